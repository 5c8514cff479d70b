/** What is counted, and by which binding. wrangler.toml has the limits of the Rate Limiting bindings. */
import type { LoginAttempts } from './auth/login-attempts.ts';
import type { Bindings } from './bindings.ts';
import { countLogins, countMessages } from './count-in-objects.ts';
import { log } from './log.ts';
import type { CountMessage } from './mail/message-limit.ts';

/** Everything that is counted: the binding that counts it, and the words of the warning. */
export const RATE_LIMITS = {
  login: { binding: 'LOGIN_LIMIT', counts: 'logins to one account from one address' },
  'login-address': { binding: 'LOGIN_ADDRESS_LIMIT', counts: 'logins from one address' },
  'login-failures': {
    binding: 'RATE_LIMIT_COUNTER',
    counts: 'failed logins to one account from all addresses',
  },
  register: { binding: 'REGISTER_LIMIT', counts: 'registrations from one address' },
  link: { binding: 'MAIL_LIMIT', counts: 'attempts at one user’s links from one address' },
  'mail-address': { binding: 'MAIL_ADDRESS_LIMIT', counts: 'e-mail requests from one address' },
  message: { binding: 'RATE_LIMIT_COUNTER', counts: 'messages to one recipient' },
} as const satisfies Record<string, { binding: keyof Bindings; counts: string }>;

/** As the log names it. */
export type RateLimitScope = keyof typeof RATE_LIMITS;

type Limiter = Pick<RateLimit, 'limit'>;

/** The limits by the Rate Limiting bindings. */
export type RateLimits = Record<Exclude<RateLimitScope, 'login-failures' | 'message'>, Limiter>;

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

export const loginAttemptsOf = ({ RATE_LIMIT_COUNTER }: Bindings): LoginAttempts =>
  RATE_LIMIT_COUNTER
    ? countLogins(RATE_LIMIT_COUNTER)
    : { begin: uncounted('login-failures', { ok: true, value: undefined }) };

export const messageCounterOf = ({ RATE_LIMIT_COUNTER }: Bindings): CountMessage =>
  RATE_LIMIT_COUNTER
    ? countMessages(RATE_LIMIT_COUNTER)
    : uncounted('message', { ok: true, value: undefined });

/** Allows everything. Warns at the first call. */
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
