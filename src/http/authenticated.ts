import type { Input } from 'hono';
import type { Authenticated } from '../auth/tokens.ts';
import type { AppContext } from './context.ts';
import { failAuthentication } from './errors.ts';

/** The handlers that `authenticated` made. */
const guarded = new WeakSet<object>();

/**
 * Guards a route: its handler runs only for a good token. The handler takes the user and the token
 * as its second argument, so a route whose guard was forgotten does not compile.
 */
export function authenticated<I extends Input, R>(
  handler: (c: AppContext<I>, authenticated: Authenticated) => R,
) {
  async function guard(c: AppContext<I>) {
    const who = await c.get('authenticate')(c.req.header('Authorization'));
    return who.ok ? handler(c, who.value) : failAuthentication(c, who.error);
  }
  guarded.add(guard);
  return guard;
}

export const isGuarded = (handler: object): boolean => guarded.has(handler);
