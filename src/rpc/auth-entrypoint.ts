/** The door for other Workers: a service binding instead of HTTP. */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Authenticate } from '../auth/tokens.ts';
import { logFault } from '../lib/log.ts';
import { err } from '../lib/result.ts';
import { ServiceUnavailable } from '../lib/service-unavailable.ts';

/** An app of `createApp`: both doors then share its statements and its token cache. */
type App<E> = {
  authenticate: (authorization: string | undefined, c: { env: E }) => ReturnType<Authenticate>;
};

type AuthEntrypointClass<E> = new (
  ctx: ExecutionContext,
  env: E,
) => WorkerEntrypoint<E> & { authenticate: Authenticate };

/**
 * A class to export, which tells another Worker whose request it has been sent, as
 * `tokenAuthentication` asks.
 *
 * @example
 * export const AuthEntrypoint = authEntrypoint(auth);
 * // and in the other Worker, where it is bound as AUTH
 * tokenAuthentication({ authenticate: (authorization, c) => c.env.AUTH.authenticate(authorization) })
 */
export const authEntrypoint = <E>(app: App<E>): AuthEntrypointClass<E> =>
  class AuthEntrypoint extends WorkerEntrypoint<E> {
    /**
     * @param authorization the request's Authorization header, undefined where there is none
     * @returns the user and its token, or why there is none: plain values, which RPC copies
     * @throws Error for a fault of ours, whose cause is in our log and not in the error
     */
    async authenticate(authorization: string | undefined): ReturnType<Authenticate> {
      try {
        return await app.authenticate(authorization, { env: this.env });
      } catch (error) {
        // RPC would carry the message to the caller and its log, and Drizzle's names the token.
        logFault(error);
        if (error instanceof ServiceUnavailable) return err({ kind: 'unavailable' });
        throw new Error('edge-authtoken could not authenticate; the cause is in its log.');
      }
    }
  };
