/**
 * Throttling by Cloudflare's Rate Limiting bindings: counted per location and eventually consistent, so
 * a brake and not a gate. Limits are in wrangler.toml.
 */
import { err, ok, type Result } from '../result.ts';
import { audit, clientAddress } from './audit.ts';
import type { RouteContext } from './context.ts';

type Throttled = { kind: 'throttled'; waitSeconds: number };

/** The `period` of both limits in wrangler.toml; the bindings don't tell how much of it is left. */
const PERIOD_SECONDS = 60;

/** Guesses at one user's password from one address. @param username in its normal form */
export const throttleLogin = (c: RouteContext, username: string, userId?: number) =>
  throttle(c, 'login', `${username} ${clientAddress(c)}`, userId);

/** Registrations from one address; there may be a classroom behind it. */
export const throttleRegister = (c: RouteContext) => throttle(c, 'register', `${clientAddress(c)}`);

async function throttle(
  c: RouteContext,
  scope: 'login' | 'register',
  key: string,
  userId?: number,
): Promise<Result<undefined, Throttled>> {
  const limiter = scope === 'login' ? c.env.LOGIN_LIMIT : c.env.REGISTER_LIMIT;
  if (!limiter) {
    warnOnce();
    return ok(undefined);
  }
  const { success } = await limiter.limit({ key });
  if (success) return ok(undefined);
  audit(c, { event: 'throttled', scope, user_id: userId });
  return err({ kind: 'throttled', waitSeconds: PERIOD_SECONDS });
}

let warned = false;

function warnOnce(): void {
  if (warned) return;
  warned = true;
  console.warn(
    JSON.stringify({
      event: 'not-throttled',
      message:
        'LOGIN_LIMIT or REGISTER_LIMIT is not bound: passwords can be guessed at full speed.',
    }),
  );
}
