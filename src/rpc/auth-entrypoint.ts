/** RPC entrypoint for other Workers, which call it through a service binding. */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Authenticate } from '../auth/tokens.ts';
import { logFault } from '../lib/log.ts';
import { err } from '../lib/result.ts';
import { ServiceUnavailable } from '../lib/service-unavailable.ts';

/** An app of `createApp`. HTTP and RPC then share its prepared statements and its token cache. */
type App<E> = {
  authenticate: (
    authorization: string | undefined,
    c: { env: E; executionCtx?: Pick<ExecutionContext, 'waitUntil'> },
  ) => ReturnType<Authenticate>;
};

type AuthEntrypointClass<E> = new (
  ctx: ExecutionContext,
  env: E,
) => WorkerEntrypoint<E> & { authenticate: Authenticate };

/**
 * Creates a class to export. Another Worker that binds it passes its `authenticate` to
 * `tokenAuthentication`.
 *
 * @example
 * export const AuthEntrypoint = authEntrypoint(auth);
 * // in the other Worker, with a service binding named AUTH:
 * tokenAuthentication({ authenticate: (authorization, c) => c.env.AUTH.authenticate(authorization) })
 */
export const authEntrypoint = <E>(app: App<E>): AuthEntrypointClass<E> =>
  class AuthEntrypoint extends WorkerEntrypoint<E> {
    /**
     * @param authorization the `Authorization` header of the request; undefined if it has none
     * @returns the user and its token, or a failure, as plain values that RPC can copy
     * @throws Error for a bug. The cause is in the log of this Worker and not in the error
     */
    async authenticate(authorization: string | undefined): ReturnType<Authenticate> {
      try {
        return await app.authenticate(authorization, { env: this.env, executionCtx: this.ctx });
      } catch (error) {
        // RPC would send the message to the other Worker, and Drizzle's messages contain the token.
        logFault(error);
        if (error instanceof ServiceUnavailable) return err({ kind: 'unavailable' });
        throw new Error('edge-authtoken could not authenticate. The cause is in its log.');
      }
    }
  };
