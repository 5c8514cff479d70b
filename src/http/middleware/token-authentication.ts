import type { Context, Env, MiddlewareHandler } from 'hono';
import type { Authenticate, Token } from '../../auth/tokens.ts';
import type { User } from '../../auth/users.ts';
import { authenticationErrorResponse } from '../errors.ts';

export type { Authenticate };

/** The variables that the middleware sets on the context: DRF's `request.user`, `request.auth`. */
export type TokenAuthenticationVariables = { user: User; auth: Token };

/** A context with `authenticate`: the context of this app, or of another Worker that sets it. */
type WithAuthenticate = { Variables: { authenticate: Authenticate } };

/** An app of `createApp`, with any names of the bindings. */
type AppOf<B extends object> = {
  authenticate: (authorization: string | undefined, c: { env: B }) => ReturnType<Authenticate>;
};

type WithUser<E extends Env> = E & { Variables: TokenAuthenticationVariables };

export type TokenAuthenticationOptions<E extends Env> = {
  /** Authenticates the value of an `Authorization` header, for example by RPC. */
  authenticate: (
    authorization: string | undefined,
    c: Context<WithUser<E>>,
  ) => ReturnType<Authenticate>;
};

/**
 * Requires `Authorization: Token <key>` of an active user, as `TokenAuthentication` with
 * `IsAuthenticated` does. It sets `c.var.user` and `c.var.auth`. Otherwise the response is DRF's 401.
 *
 * Without an argument it uses `c.var.authenticate`, which the app of `createApp` sets.
 *
 * @example
 * app.use('/rocks/*', tokenAuthentication())
 * app.use('/rocks/*', tokenAuthentication(auth)) // auth = createApp()
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
