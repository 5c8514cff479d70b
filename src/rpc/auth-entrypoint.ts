/** The door for other Workers: a service binding instead of HTTP. */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Authenticate } from '../auth/tokens.ts';
import { logFault } from '../log.ts';
import { err } from '../result.ts';
import { ServiceUnavailable } from '../service-unavailable.ts';
import { type Bindings, servicesOf } from '../services.ts';

/**
 * Tells another Worker whose request it has been sent, as `tokenAuthentication` asks.
 *
 * @example
 * tokenAuthentication({ authenticate: (authorization, c) => c.env.AUTH.authenticate(authorization) })
 */
export class AuthEntrypoint extends WorkerEntrypoint<Bindings> {
  /**
   * @param authorization the request's Authorization header, undefined where there is none
   * @returns the user and its token, or why there is none: plain values, which RPC copies
   * @throws Error for a fault of ours, whose cause is in our log and not in the error
   */
  async authenticate(authorization: string | undefined): ReturnType<Authenticate> {
    try {
      return await servicesOf(this.env).authenticate(authorization);
    } catch (error) {
      // RPC would carry the message to the caller and its log, and Drizzle's names the token.
      logFault(error);
      if (error instanceof ServiceUnavailable) return err({ kind: 'unavailable' });
      throw new Error('edge-authtoken could not authenticate; the cause is in its log.');
    }
  }
}
