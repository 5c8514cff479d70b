/**
 * The rate limits and their bindings. The limits of Rate Limiting bindings are in wrangler.toml.
 */
import type { PasswordAttempts } from '../auth/password-attempts.ts';
import { log } from '../lib/log.ts';
import type { CountMessage } from '../mail/message-limit.ts';
import type { Bindings } from './bindings.ts';
import { countMessages, countPasswords } from './count-in-objects.ts';

/** The name of a rate limit in the log. */
export type RateLimitScope =
  | 'login'
  | 'login-address'
  | 'password-failures'
  | 'register'
  | 'link'
  | 'mail-address'
  | 'message';

/** The binding of each rate limit, and the description for the warning. */
export const RATE_LIMITS = {
  login: { binding: 'LOGIN_LIMIT', counts: 'logins to one account from one address' },
  'login-address': { binding: 'LOGIN_ADDRESS_LIMIT', counts: 'logins from one address' },
  'password-failures': {
    binding: 'RATE_LIMIT_COUNTER',
    counts: 'wrong passwords of one account from all addresses',
  },
  register: { binding: 'REGISTER_LIMIT', counts: 'registrations from one address' },
  link: { binding: 'MAIL_LIMIT', counts: 'attempts at one user’s links from one address' },
  'mail-address': { binding: 'MAIL_ADDRESS_LIMIT', counts: 'e-mail requests from one address' },
  message: { binding: 'RATE_LIMIT_COUNTER', counts: 'messages to one recipient' },
} as const satisfies Record<RateLimitScope, { binding: keyof Bindings; counts: string }>;

type Limiter = Pick<RateLimit, 'limit'>;

/** The rate limits that use Rate Limiting bindings. */
export type RateLimits = Record<Exclude<RateLimitScope, 'password-failures' | 'message'>, Limiter>;

export function rateLimitsOf(bindings: Bindings): RateLimits {
  const limiter = (scope: keyof RateLimits): Limiter => {
    const bound = bindings[RATE_LIMITS[scope].binding];
    return bound ?? { limit: uncounted(scope, { success: true }) };
  };
  return {
    login: limiter('login'),
    'login-address': limiter('login-address'),
    register: limiter('register'),
    link: limiter('link'),
    'mail-address': limiter('mail-address'),
  };
}

export const passwordAttemptsOf = ({ RATE_LIMIT_COUNTER }: Bindings): PasswordAttempts =>
  RATE_LIMIT_COUNTER
    ? countPasswords(RATE_LIMIT_COUNTER)
    : { begin: uncounted('password-failures', { ok: true, value: undefined }) };

export const messageCounterOf = ({ RATE_LIMIT_COUNTER }: Bindings): CountMessage =>
  RATE_LIMIT_COUNTER
    ? countMessages(RATE_LIMIT_COUNTER)
    : uncounted('message', { ok: true, value: undefined });

/** Allows everything. Logs one warning. */
function uncounted<T>(scope: RateLimitScope, allowed: T): () => Promise<T> {
  const { binding, counts } = RATE_LIMITS[scope];
  let hasWarned = false;
  return async function allow() {
    const message = `${binding} is not bound: ${counts} are not limited.`;
    if (!hasWarned) log('warn', { event: 'not-throttled', scope, message });
    hasWarned = true;
    return allowed;
  };
}
