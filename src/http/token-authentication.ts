import type { Context, Env, MiddlewareHandler } from 'hono';
import { authenticate, type FindToken, type Token, type User } from '../auth/tokens.ts';
import { fail } from './failure.ts';

/** What the middleware sets on the context: DRF's `request.user` and `request.auth`. */
export type TokenAuthenticationVariables = { user: User; auth: Token };

type Authenticated<E extends Env> = E & { Variables: TokenAuthenticationVariables };

export type TokenAuthenticationOptions<E extends Env> = {
  /** Finds a key's token and user, wherever they are kept; undefined where there is none. */
  findToken: (key: string, c: Context<Authenticated<E>>) => ReturnType<FindToken>;
};

/**
 * Lets a request pass only with `Authorization: Token <key>` of an active user, and sets `c.var.user`
 * and `c.var.auth`; answers DRF's 401 to all others (`TokenAuthentication` with `IsAuthenticated`).
 *
 * @example
 * app.use('/rocks/*', tokenAuthentication({ findToken: (key, c) => c.var.store.findToken(key) }))
 */
export function tokenAuthentication<E extends Env>({
  findToken,
}: TokenAuthenticationOptions<E>): MiddlewareHandler<Authenticated<E>> {
  return async function tokenAuthentication(c, next) {
    const authorization = c.req.header('Authorization');
    const authenticated = await authenticate(authorization, (key) => findToken(key, c));
    if (!authenticated.ok) return fail(c, authenticated.error);
    c.set('user', authenticated.value.user);
    c.set('auth', authenticated.value.token);
    await next();
  };
}
