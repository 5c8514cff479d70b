import type { Context, Env, MiddlewareHandler } from 'hono';
import type { Authenticate, Token } from '../../auth/tokens.ts';
import type { User } from '../../auth/users.ts';
import { authenticationErrorResponse } from '../errors.ts';

export type { Authenticate };

/** What the middleware sets on the context: DRF's `request.user` and `request.auth`. */
export type TokenAuthenticationVariables = { user: User; auth: Token };

/** What this Worker's context has, and another's may have. */
type WithAuthenticate = { Variables: { authenticate: Authenticate } };

/** An app of `createApp`, wherever its bindings are. */
type AppOf<B extends object> = {
  authenticate: (authorization: string | undefined, c: { env: B }) => ReturnType<Authenticate>;
};

type WithUser<E extends Env> = E & { Variables: TokenAuthenticationVariables };

export type TokenAuthenticationOptions<E extends Env> = {
  /** Looks a header up. The middleware does not know where tokens are kept. */
  authenticate: (
    authorization: string | undefined,
    c: Context<WithUser<E>>,
  ) => ReturnType<Authenticate>;
};

/**
 * Lets a request pass only with `Authorization: Token <key>` of an active user, and sets `c.var.user`
 * and `c.var.auth`; answers DRF's 401 to all others (`TokenAuthentication` with `IsAuthenticated`).
 * Without options it asks `c.var.authenticate`, which this Worker's context has.
 *
 * @example
 * app.use('/rocks/*', tokenAuthentication())
 * app.use('/rocks/*', tokenAuthentication(auth)) // of createApp
 * app.use('/rocks/*', tokenAuthentication({ authenticate: (header, c) => c.env.AUTH.authenticate(header) }))
 */
export function tokenAuthentication<E extends WithAuthenticate>(): MiddlewareHandler<WithUser<E>>;
export function tokenAuthentication<E extends Env>(
  options: TokenAuthenticationOptions<E>,
): MiddlewareHandler<WithUser<E>>;
export function tokenAuthentication<
  B extends object,
  E extends Env & { Bindings: B } = { Bindings: B },
>(app: AppOf<B>): MiddlewareHandler<WithUser<E>>;
export function tokenAuthentication(
  { authenticate }: TokenAuthenticationOptions<WithAuthenticate> = {
    authenticate: (authorization, c) => c.get('authenticate')(authorization),
  },
): MiddlewareHandler<WithUser<WithAuthenticate>> {
  return async function tokenAuthentication(c, next) {
    const authenticated = await authenticate(c.req.header('Authorization'), c);
    if (!authenticated.ok) return authenticationErrorResponse(c, authenticated.error);
    c.set('user', authenticated.value.user);
    c.set('auth', authenticated.value.token);
    await next();
  };
}
