/**
 * Rate limits by Cloudflare's Rate Limiting bindings. Cloudflare counts at each of its locations by
 * itself and with some delay. So these limits are approximate: an attacker may get extra attempts.
 */
import type { User } from '../auth/users.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { RateLimits } from '../services/rate-limits.ts';
import { clientNetwork } from './client-address.ts';
import type { AppContext } from './context.ts';
import { audit } from './security-log.ts';

export type RateLimited = { kind: 'throttled'; waitSeconds: number };

/** Limits by address only: all that a request may be asked before its body is read. */
export type AddressScope = Extract<keyof RateLimits, 'login-address' | 'register' | 'mail-address'>;

/** The `period` of all limits in wrangler.toml. The bindings do not say how much of it is left. */
const PERIOD_SECONDS = 60;

/** Requests from one address. A classroom may share an address. */
export const limitAddress = (c: AppContext, scope: AddressScope, userId?: number) =>
  limit(c, scope, `${clientNetwork(c)}`, userId);

/**
 * Logins to one account from one address.
 *
 * @param username in its normal form
 */
export const limitLogin = (c: AppContext, username: string) =>
  limit(c, 'login', `${username} ${clientNetwork(c)}`);

/** Guesses at the current password by someone who has the user's token. They count as logins. */
export async function limitCurrentPassword(c: AppContext, { id, username }: User) {
  const allowed = await limitAddress(c, 'login-address', id);
  return allowed.ok ? limit(c, 'login', `${username} ${clientNetwork(c)}`, id) : allowed;
}

/** Attempts at one user's links from one address. Attempts from elsewhere do not count. */
export const limitLink = (c: AppContext, uid: string) =>
  limit(c, 'link', `${uid} ${clientNetwork(c)}`);

async function limit(
  c: AppContext,
  scope: keyof RateLimits,
  key: string,
  userId?: number,
): Promise<Result<undefined, RateLimited>> {
  const { success } = await c.get('rateLimits')[scope].limit({ key });
  if (success) return ok(undefined);
  audit(c, { event: 'throttled', scope, user_id: userId });
  return err({ kind: 'throttled', waitSeconds: PERIOD_SECONDS });
}
