/**
 * What this Worker is bound to, by the names in wrangler.toml. `D1Database` and its like are global
 * types: `wrangler types` or @cloudflare/workers-types has them.
 */
import type { PasswordHasher } from '../hashing/password-hasher.ts';
import type { Vars } from '../settings.ts';
import type { RateLimitCounter } from './rate-limit-counter.ts';

/**
 * Only the database is required. What has no binding to count it is not limited; the log has a
 * warning for each. Without `PASSWORD_HASHER` passwords are hashed in the isolate that answers.
 * Without `EMAIL` no password is reset.
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
