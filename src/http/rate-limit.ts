/**
 * Rate limits by Cloudflare's Rate Limiting bindings. Each location of Cloudflare has its own
 * counters and updates them with a delay. So these limits are approximate: an attacker may get extra
 * attempts.
 */
import type { User } from '../auth/users.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { RateLimits } from '../services/rate-limits.ts';
import { clientNetwork } from './client-address.ts';
import type { AppContext } from './context.ts';
import { audit } from './security-log.ts';

type RateLimited = { kind: 'throttled'; waitSeconds: number };

/** Limits that count by address only, so they can be checked before the body is read. */
export type AddressScope = Extract<keyof RateLimits, 'login-address' | 'register' | 'mail-address'>;

/** The `period` of all limits in wrangler.toml. The bindings do not return the time that is left. */
const PERIOD_SECONDS = 60;

/** Limits the requests from one address. Many users, such as a classroom, may share an address. */
export const limitAddress = (c: AppContext, scope: AddressScope, userId?: number) =>
  limit(c, scope, `${clientNetwork(c)}`, userId);

/**
 * Limits the logins to one account from one address.
 *
 * @param name the username or e-mail address, in its normal form
 */
export const limitLogin = (c: AppContext, name: string) =>
  limit(c, 'login', `${name} ${clientNetwork(c)}`);

/**
 * Limits the attempts at the current password. An attacker with a stolen token could guess it, so
 * these attempts count as logins.
 */
export async function limitCurrentPassword(c: AppContext, { id, username }: User) {
  const allowed = await limitAddress(c, 'login-address', id);
  return allowed.ok ? limit(c, 'login', `${username} ${clientNetwork(c)}`, id) : allowed;
}

/** Limits the attempts at the links of one user from one address. */
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
