import type { Context, Env, MiddlewareHandler } from 'hono';
import type { Authenticated, AuthenticationFailure, Token, User } from '../auth/tokens.ts';
import type { Result } from '../result.ts';
import { fail } from './failure.ts';

/** What the middleware sets on the context: DRF's `request.user` and `request.auth`. */
export type TokenAuthenticationVariables = { user: User; auth: Token };

/** From an Authorization header, undefined where there is none, to whom it names. */
export type Authenticate = (
  authorization: string | undefined,
) => Promise<Result<Authenticated, AuthenticationFailure>>;

type WithUser<E extends Env> = E & { Variables: TokenAuthenticationVariables };

export type TokenAuthenticationOptions<E extends Env> = {
  /** How a header is looked up: the middleware knows neither tokens nor where they are kept. */
  authenticate: (
    authorization: string | undefined,
    c: Context<WithUser<E>>,
  ) => ReturnType<Authenticate>;
};

/**
 * Lets a request pass only with `Authorization: Token <key>` of an active user, and sets `c.var.user`
 * and `c.var.auth`; answers DRF's 401 to all others (`TokenAuthentication` with `IsAuthenticated`).
 *
 * @example
 * app.use('/rocks/*', tokenAuthentication({ authenticate: (header) => authenticate(header, findToken) }))
 */
export function tokenAuthentication<E extends Env>({
  authenticate,
}: TokenAuthenticationOptions<E>): MiddlewareHandler<WithUser<E>> {
  return async function tokenAuthentication(c, next) {
    const authenticated = await authenticate(c.req.header('Authorization'), c);
    if (!authenticated.ok) return fail(c, authenticated.error);
    c.set('user', authenticated.value.user);
    c.set('auth', authenticated.value.token);
    await next();
  };
}
