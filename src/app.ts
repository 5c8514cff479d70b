/**
 * The app, as a request meets it: settings and store, CORS, the routes, and what answers where no
 * route does.
 */
import { type Context, Hono } from 'hono';
import type { Authenticate } from './auth/tokens.ts';
import type { Api } from './client/api.ts';
import { authenticated } from './http/authenticated.ts';
import { byMail, onlyWhereThere } from './http/by-mail.ts';
import { clientNetwork } from './http/client-address.ts';
import { contentNegotiation } from './http/content-negotiation.ts';
import type { AppEnv } from './http/context.ts';
import { onError } from './http/errors.ts';
import { crossOrigin } from './http/middleware/cors.ts';
import { hardeningHeaders, pageHeaders } from './http/middleware/security-headers.ts';
import { makeMountable } from './http/mount.ts';
import { account } from './http/pages/account/route.tsx';
import { root } from './http/pages/try-it/route.tsx';
import { activateUser, resendActivation } from './http/routes/activation.ts';
import { password } from './http/routes/change-password.ts';
import { health } from './http/routes/health.ts';
import { login, obtainAuthToken } from './http/routes/login.ts';
import { logout } from './http/routes/logout.ts';
import { deleteMe, retrieveMe, updateMe } from './http/routes/me.ts';
import { openApi } from './http/routes/openapi.ts';
import { confirmPasswordReset, sendPasswordReset } from './http/routes/password-reset.ts';
import { register } from './http/routes/register.ts';
import { unrouted } from './http/unrouted.ts';
import type { AppOptions } from './services/app-options.ts';
import type { Bindings } from './services/bindings.ts';
import { createServices } from './services/services.ts';
import type { Settings } from './settings.ts';

/** The paths that a view of Django REST Framework answers in a Django project. */
const VIEWS = ['/register', '/login', '/api-token-auth', '/logout', '/password', '/me', '/users/*'];

const verifiesAddresses = (settings: Settings) => settings.emailVerification === 'required';

/** What `createApp` makes. `tokenAuthentication` and `authEntrypoint` take it, too. */
export type App<E extends object> = Hono<Env<E>, Api, '/'> & {
  authenticate: (authorization: string | undefined, c: { env: E }) => ReturnType<Authenticate>;
};

/** What a route finds that is added to the app. The app's own find more (`AppEnv`). */
type Env<E extends object> = { Bindings: E; Variables: { authenticate: Authenticate } };

/**
 * The app: a Worker by itself, or a part of another, below any path.
 *
 * @throws SettingsError where a setting of the options cannot be used
 *
 * @example
 * const auth = createApp({ bindings: (env: Env) => ({ DB: env.AUTH_DB }) });
 * export default new Hono<{ Bindings: Env }>()
 *   .route('/auth', auth)
 *   .use('/rocks/*', tokenAuthentication(auth))
 */
export function createApp<E extends object = Bindings>(options: AppOptions<E> = {}): App<E> {
  const servicesOf = createServices(options);
  const app = new Hono<Env<E>, Api, '/'>({ strict: false });

  app.get('/', pageHeaders);
  app.get('/account', pageHeaders);
  app.use(hardeningHeaders);
  app.use(async function services(c: Context<AppEnv & { Bindings: E }>, next) {
    const { settings, store, hashingFor, rateLimits, passwordAttempts, authenticate, mail } =
      servicesOf(c.env);
    c.set('settings', settings);
    c.set('store', store);
    c.set(
      'hashing',
      hashingFor(() => clientNetwork(c)),
    );
    c.set('rateLimits', rateLimits);
    c.set('passwordAttempts', passwordAttempts);
    c.set('authenticate', authenticate);
    c.set('mail', mail);
    await next();
  });
  app.use(crossOrigin);
  for (const path of ['/users/*', '/account']) app.use(path, onlyWhereThere(app));
  for (const path of VIEWS) app.use(path, contentNegotiation);

  app.onError(onError);
  app.notFound(unrouted(app));
  addRoutes(app);
  makeMountable(app);

  return Object.assign(app, {
    authenticate: (authorization: string | undefined, { env }: { env: E }) =>
      servicesOf(env).authenticate(authorization),
  });
}

/** @internal @returns the app, by whose type the tests tell that `Api` is true */
export const addRoutes = <E extends object>(app: Hono<Env<E>, Api, '/'>) =>
  app
    .get('/', root(app))
    .post('/register', register)
    .post('/login', login)
    .post('/api-token-auth', obtainAuthToken)
    .post('/logout', authenticated(logout))
    .post('/password', authenticated(password))
    .get('/me', authenticated(retrieveMe))
    .patch('/me', authenticated(updateMe))
    .delete('/me', authenticated(deleteMe))
    .post('/users/reset_password', byMail(sendPasswordReset))
    .post('/users/reset_password_confirm', byMail(confirmPasswordReset))
    .post('/users/activation', byMail(activateUser, verifiesAddresses))
    .post('/users/resend_activation', byMail(resendActivation, verifiesAddresses))
    .get('/account', byMail(account))
    .get('/health', health)
    .get('/openapi.json', openApi);
