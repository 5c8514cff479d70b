/**
 * Builds the app in the order that a request passes: middleware, routes, 404 and 405 handler, error
 * handler.
 */
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { getPathNoStrict } from 'hono/utils/url';
import type { Authenticate } from './auth/tokens.ts';
import type { Api } from './client/api.ts';
import { clientNetwork } from './http/client-address.ts';
import type { AppEnv } from './http/context.ts';
import { addErrorMessage } from './http/error-message.ts';
import { onError } from './http/errors.ts';
import { toListedPath } from './http/families.ts';
import { methodNotAllowed } from './http/method-not-allowed.ts';
import { crossOriginOf } from './http/middleware/cors.ts';
import { hardeningHeaders, pageHeaders } from './http/middleware/security-headers.ts';
import { makeMountable } from './http/mount.ts';
import { account } from './http/pages/account/route.tsx';
import { index } from './http/pages/try-it/route.tsx';
import type { Route } from './http/route.ts';
import type { RouteSet } from './http/route-set.ts';
import { activateUser, resendActivation } from './http/routes/activation.ts';
import { changePassword } from './http/routes/change-password.ts';
import { djRestAuth } from './http/routes/dj-rest-auth/routes.ts';
import { djoser } from './http/routes/djoser/routes.ts';
import { health } from './http/routes/health.ts';
import { knox } from './http/routes/knox/routes.ts';
import { login, obtainAuthToken } from './http/routes/login.ts';
import { logout, logoutAll } from './http/routes/logout.ts';
import { deleteMe, replaceMe, retrieveMe, updateMe } from './http/routes/me.ts';
import { openApi } from './http/routes/openapi.ts';
import { confirmPasswordReset, sendPasswordReset } from './http/routes/password-reset.ts';
import { register } from './http/routes/register.ts';
import { destroyToken, listTokens } from './http/routes/tokens.ts';
import { runAfterResponse, type WaitsUntil } from './http/run-after-response.ts';
import { pathBelow } from './http/url-prefix.ts';
import type { Bindings } from './services/bindings.ts';
import type { ServiceOptions } from './services/service-options.ts';
import { createServices, type ServicesOfEnv } from './services/services.ts';
import type { Settings } from './settings.ts';

/** @internal All routes. Each one is an object in http/routes/ or http/pages/. */
export function routesOf({ admin }: Pick<AppOptions<object>, 'admin'>): Route[] {
  const routes: Route[] = [
    index(() => routes),
    register,
    login,
    obtainAuthToken,
    logout,
    logoutAll,
    listTokens,
    destroyToken,
    changePassword,
    retrieveMe,
    updateMe,
    replaceMe,
    deleteMe,
    sendPasswordReset,
    confirmPasswordReset,
    activateUser,
    resendActivation,
    ...djoser,
    ...djRestAuth,
    ...knox,
    ...(admin?.routes ?? []),
    account,
    health,
    openApi(() => routes),
  ];
  return routes;
}

export type AppOptions<E extends object, Input = unknown, Output = unknown> = ServiceOptions<
  E,
  Input,
  Output
> & {
  /**
   * The staff page and its routes: `admin` of `edge-authtoken/admin`. Without it, they and their code are
   * not in the app.
   */
  admin?: RouteSet;
};

/** The return type of `createApp`. `tokenAuthentication` and `authEntrypoint` accept it. */
export type App<E extends object, Input = unknown, Output = unknown> = Hono<
  Env<E>,
  Api<Input, Output>,
  '/'
> & {
  /** Renews or deletes a token of knox after the response, by the `waitUntil` of `executionCtx`. */
  authenticate: (
    authorization: string | undefined,
    c: { env: E; executionCtx?: WaitsUntil },
  ) => ReturnType<Authenticate>;
  /** @internal For `serverApi`. */
  servicesOf: (env: E) => ServicesOfEnv;
  /** For `serverApi` only: a type, without a value. */
  '~input'?: Input;
  /** Middleware with the CORS settings of the app, for routes of the host that need no token. */
  crossOrigin: MiddlewareHandler;
};

/** The context of a route that a user of the package adds. The app's own routes use `AppEnv`. */
type Env<E extends object> = { Bindings: E; Variables: { authenticate: Authenticate } };

/**
 * Creates the app: a complete Worker, or a part of another Worker that is mounted below any path.
 *
 * @throws SettingsError if `options.settings` has an invalid setting
 *
 * @example
 * const auth = createApp({ bindings: (env: Env) => ({ DB: env.AUTH_DB }) });
 * export default new Hono<{ Bindings: Env }>()
 *   .route('/auth', auth)
 *   .use('/rocks/*', tokenAuthentication(auth))
 */
export function createApp<E extends object = Bindings, Input = unknown, Output = unknown>(
  options: AppOptions<E, Input, Output> = {},
): App<E, Input, Output> {
  const routes = routesOf(options);
  const servicesOf = createServices(options);
  const crossOrigin = crossOriginOf(({ env }: { env: E }) => servicesOf(env).settings);
  const app = new Hono<Env<E>, Api<Input, Output>, '/'>({
    // As with `strict: false`: a path may end with a slash.
    getPath: (request, { env } = {}) => {
      const path = getPathNoStrict(request);
      const settings = env && settingsOf(env);
      return settings ? toListedPath(pathBelow(settings.urlPrefix, path), settings) : path;
    },
  });

  function settingsOf(env: E): Settings | undefined {
    try {
      return servicesOf(env).settings;
    } catch {
      // The middleware below throws the same error, which then gets a response.
      return undefined;
    }
  }

  for (const { path, kind } of routes) if (kind === 'page') app.get(path, pageHeaders);
  app.use(hardeningHeaders);
  app.use(async function services(c: Context<AppEnv & { Bindings: E }>, next) {
    const envServices = servicesOf(c.env);
    c.set('settings', envServices.settings);
    c.set('store', envServices.store);
    c.set('tokens', envServices.tokens);
    c.set(
      'hashing',
      envServices.hashingFor(() => clientNetwork(c)),
    );
    c.set('rateLimits', envServices.rateLimits);
    c.set('passwordAttempts', envServices.passwordAttempts);
    c.set(
      'authenticate',
      envServices.authenticateFor((work) => runAfterResponse(c, work)),
    );
    c.set('mail', envServices.mail);
    c.set('isBound', envServices.isBound);
    c.set('databaseBinding', envServices.databaseBinding);
    c.set('registration', envServices.registration);
    c.set('handlingOf', envServices.handlingOf);
    await next();
    if (envServices.settings.errorMessage) await addErrorMessage(c);
  });
  app.use(crossOrigin);
  for (const { method, path, respond } of routes) app.on(method, path, respond);
  app.notFound(methodNotAllowed(routes));
  app.onError(onError);
  makeMountable(app, (path, env) => {
    const settings = settingsOf(env);
    return settings ? toListedPath(path, settings) : path;
  });

  return Object.assign(app, {
    authenticate: (authorization: string | undefined, c: { env: E; executionCtx?: WaitsUntil }) =>
      servicesOf(c.env).authenticateFor((work) => runAfterResponse(c, work))(authorization),
    crossOrigin,
    servicesOf,
  });
}
