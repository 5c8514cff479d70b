/**
 * The bindings of this Worker, with the names in wrangler.toml. `D1Database` and similar names are
 * global types from `wrangler types` or @cloudflare/workers-types.
 */
import type { PasswordHasher } from '../hashing/password-hasher.ts';
import type { Vars } from '../settings.ts';
import type { RateLimitCounter } from './rate-limit-counter.ts';

/**
 * Only the database is required. Without the binding of a rate limit, that limit is off, and a
 * warning is logged. Without `PASSWORD_HASHER`, passwords are hashed in the isolate of the request.
 * Without `EMAIL` (and without `sendMail`), password reset is off.
 */
export type Bindings = Vars & {
  DB: D1Database;
  PASSWORD_HASHER?: DurableObjectNamespace<PasswordHasher> | undefined;
  RATE_LIMIT_COUNTER?: DurableObjectNamespace<RateLimitCounter> | undefined;
  LOGIN_LIMIT?: RateLimit | undefined;
  LOGIN_ADDRESS_LIMIT?: RateLimit | undefined;
  REGISTER_LIMIT?: RateLimit | undefined;
  MAIL_LIMIT?: RateLimit | undefined;
  MAIL_ADDRESS_LIMIT?: RateLimit | undefined;
  EMAIL?: SendEmail | undefined;
};

export const hasDatabase = (env: object): env is Bindings => 'DB' in env;
