import type { Context, Env, MiddlewareHandler, Next } from 'hono';
import type { Authenticate, Token } from '../../auth/tokens.ts';
import type { User } from '../../auth/users.ts';
import { log } from '../../lib/log.ts';
import { authenticationErrorResponse } from '../errors.ts';
import { isPreflight } from './preflight.ts';

export type { Authenticate };

/** The variables that the middleware sets on the context: DRF's `request.user`, `request.auth`. */
export type TokenAuthenticationVariables = { user: User; auth: Token };

/** A context with `authenticate`: the context of this app, or of another Worker that sets it. */
type WithAuthenticate = { Variables: { authenticate: Authenticate } };

/** An app of `createApp`, with any names of the bindings. */
type AppOf<B extends object> = {
  authenticate: (
    authorization: string | undefined,
    c: { env: B; executionCtx?: Pick<ExecutionContext, 'waitUntil'> },
  ) => ReturnType<Authenticate>;
  crossOrigin: MiddlewareHandler;
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
 * With an app of `createApp` it also applies the app's CORS settings, so that a browser at another
 * origin can call the routes. A preflight has no token, and gets its response before authentication.
 * With `authenticate`, put `cors()` of hono/cors before this middleware.
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
  {
    authenticate,
    crossOrigin,
  }: TokenAuthenticationOptions<WithAuthenticate> & { crossOrigin?: MiddlewareHandler } = {
    authenticate: (authorization, c) => c.get('authenticate')(authorization),
  },
): MiddlewareHandler<WithUser<WithAuthenticate>> {
  let hasWarned = false;

  async function requireUser(c: Context<WithUser<WithAuthenticate>>, next: Next) {
    const authenticated = await authenticate(c.req.header('Authorization'), c);
    if (!authenticated.ok) {
      if (isPreflight(c) && !hasWarned) {
        hasWarned = true;
        warnOfPreflight(c.req.path);
      }
      return authenticationErrorResponse(c, authenticated.error);
    }
    c.set('user', authenticated.value.user);
    c.set('auth', authenticated.value.token);
    await next();
  }

  return async function tokenAuthentication(c, next) {
    if (!crossOrigin) return requireUser(c, next);
    return crossOrigin(c, async () => {
      const refused = await requireUser(c, next);
      if (refused) c.res = refused;
    });
  };
}

/**
 * Log what is missing. The middleware does not let a preflight pass to the handler: anyone can send
 * one, and a handler for all methods would run without a user.
 */
function warnOfPreflight(path: string): void {
  log('warn', {
    event: 'preflight-refused',
    path,
    message:
      'A browser at another origin asked for permission, and tokenAuthentication refused it. Put cors() of hono/cors before it.',
  });
}
