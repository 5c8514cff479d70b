/** What is counted, and the Rate Limiting bindings that count. */
import type { Bindings } from './bindings.ts';
import { log } from './log.ts';

/**
 * What is counted: guesses at a user's password, guesses from an address, registrations from one;
 * messages to a recipient and uses of a user's link, and both from one address.
 */
export type ThrottleScope = 'login' | 'login-address' | 'register' | 'mail' | 'mail-address';

const BINDINGS = {
  login: 'LOGIN_LIMIT',
  'login-address': 'LOGIN_ADDRESS_LIMIT',
  register: 'REGISTER_LIMIT',
  mail: 'MAIL_LIMIT',
  'mail-address': 'MAIL_ADDRESS_LIMIT',
} as const satisfies Record<ThrottleScope, keyof Bindings>;

const MAILBOXES = 'mailboxes can be flooded and links be guessed at full speed';

const RISKS: { [scope in ThrottleScope]?: string } = {
  mail: MAILBOXES,
  'mail-address': MAILBOXES,
};

type Limiter = Pick<RateLimit, 'limit'>;

export type Limits = Record<ThrottleScope, Limiter>;

export function limitsOf(bindings: Bindings): Limits {
  const limiter = (scope: ThrottleScope) => bindings[BINDINGS[scope]] ?? unbound(scope);
  return {
    login: limiter('login'),
    'login-address': limiter('login-address'),
    register: limiter('register'),
    mail: limiter('mail'),
    'mail-address': limiter('mail-address'),
  };
}

/** Lets everything pass, and says so once. */
function unbound(scope: ThrottleScope): Limiter {
  const risk = RISKS[scope] ?? 'passwords can be guessed at full speed';
  const message = `${BINDINGS[scope]} is not bound: ${risk}.`;
  let warned = false;
  return {
    async limit() {
      if (!warned) log('warn', { event: 'not-throttled', scope, message });
      warned = true;
      return { success: true };
    },
  };
}
