/**
 * Throttling by Cloudflare's Rate Limiting bindings: counted per location and eventually
 * consistent, so a brake and not a gate. Limits are in wrangler.toml.
 */
import { log } from '../log.ts';
import { err, ok, type Result } from '../result.ts';
import type { Bindings } from '../services.ts';
import { audit, type ThrottleScope } from './audit.ts';
import { clientAddress } from './client-address.ts';
import type { AppContext } from './context.ts';

type Throttled = { kind: 'throttled'; waitSeconds: number };

/** The `period` of all limits in wrangler.toml; the bindings don't tell how much of it is left. */
const PERIOD_SECONDS = 60;

const BINDINGS = {
  login: 'LOGIN_LIMIT',
  'login-address': 'LOGIN_ADDRESS_LIMIT',
  register: 'REGISTER_LIMIT',
} as const satisfies Record<ThrottleScope, keyof Bindings>;

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

/** Registrations from one address; there may be a classroom behind it. */
export const throttleRegister = (c: AppContext) => throttle(c, 'register', `${clientAddress(c)}`);

async function throttle(
  c: AppContext,
  scope: ThrottleScope,
  key: string,
  userId?: number,
): Promise<Result<undefined, Throttled>> {
  const limiter = c.env[BINDINGS[scope]];
  if (!limiter) {
    warnOnce(scope);
    return ok(undefined);
  }
  const { success } = await limiter.limit({ key });
  if (success) return ok(undefined);
  audit(c, { event: 'throttled', scope, user_id: userId });
  return err({ kind: 'throttled', waitSeconds: PERIOD_SECONDS });
}

const warned = new Set<ThrottleScope>();

function warnOnce(scope: ThrottleScope): void {
  if (warned.has(scope)) return;
  warned.add(scope);
  const message = `${BINDINGS[scope]} is not bound: passwords can be guessed at full speed.`;
  log('warn', { event: 'not-throttled', scope, message });
}
