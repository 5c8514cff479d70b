/** What is counted, and the Rate Limiting bindings that count. */
import type { Bindings } from './bindings.ts';
import { log } from './log.ts';

/**
 * What is counted: guesses at a user's password, guesses from an address, registrations from one.
 */
export type ThrottleScope = 'login' | 'login-address' | 'register';

const BINDINGS = {
  login: 'LOGIN_LIMIT',
  'login-address': 'LOGIN_ADDRESS_LIMIT',
  register: 'REGISTER_LIMIT',
} as const satisfies Record<ThrottleScope, keyof Bindings>;

type Limiter = Pick<RateLimit, 'limit'>;

export type Limits = Record<ThrottleScope, Limiter>;

export function limitsOf(bindings: Bindings): Limits {
  const limiter = (scope: ThrottleScope) => bindings[BINDINGS[scope]] ?? unbound(scope);
  return {
    login: limiter('login'),
    'login-address': limiter('login-address'),
    register: limiter('register'),
  };
}

/** Lets everything pass, and says so once. */
function unbound(scope: ThrottleScope): Limiter {
  const message = `${BINDINGS[scope]} is not bound: passwords can be guessed at full speed.`;
  let warned = false;
  return {
    async limit() {
      if (!warned) log('warn', { event: 'not-throttled', scope, message });
      warned = true;
      return { success: true };
    },
  };
}
