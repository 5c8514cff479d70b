/**
 * Throttling by Cloudflare's Rate Limiting bindings: counted per location and eventually
 * consistent, so a brake and not a gate. Limits are in wrangler.toml.
 */
import type { ThrottleScope } from '../limits.ts';
import { err, ok, type Result } from '../result.ts';
import { audit } from './audit.ts';
import { clientAddress } from './client-address.ts';
import type { AppContext } from './context.ts';

type Throttled = { kind: 'throttled'; waitSeconds: number };

/** The `period` of all limits in wrangler.toml; the bindings don't tell how much of it is left. */
const PERIOD_SECONDS = 60;

/**
 * Guesses from one address: at any password, and at one user's.
 *
 * @param username in its normal form
 */
export async function throttleLogin(c: AppContext, username: string, userId?: number) {
  const address = clientAddress(c);
  const allowed = await throttle(c, 'login-address', `${address}`, userId);
  return allowed.ok ? throttle(c, 'login', `${username} ${address}`, userId) : allowed;
}

/**
 * Registrations from one address; there may be a classroom behind it.
 *
 * @param recipient who gets a link, if anybody does
 */
export async function throttleRegister(c: AppContext, recipient: string | undefined) {
  const allowed = await throttle(c, 'register', `${clientAddress(c)}`);
  return allowed.ok && recipient !== undefined ? throttleMail(c, recipient) : allowed;
}

/** Messages that one address has sent to anybody, and messages that anybody has sent to one. */
export const throttleMail = (c: AppContext, recipient: string) =>
  throttleMailFor(c, `to ${recipient.normalize('NFKC').toLowerCase()}`);

/** Uses of links from one address, and of one user's links. */
export const throttleLink = (c: AppContext, uid: string) => throttleMailFor(c, `link ${uid}`);

async function throttleMailFor(c: AppContext, key: string) {
  const allowed = await throttle(c, 'mail-address', `${clientAddress(c)}`);
  return allowed.ok ? throttle(c, 'mail', key) : allowed;
}

async function throttle(
  c: AppContext,
  scope: ThrottleScope,
  key: string,
  userId?: number,
): Promise<Result<undefined, Throttled>> {
  const { success } = await c.get('limits')[scope].limit({ key });
  if (success) return ok(undefined);
  audit(c, { event: 'throttled', scope, user_id: userId });
  return err({ kind: 'throttled', waitSeconds: PERIOD_SECONDS });
}
