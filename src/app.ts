/**
 * The app, as a request meets it: settings and store, CORS, the routes, and what answers where no
 * route does.
 */
import { type Context, Hono } from 'hono';
import type { AppOptions } from './app-options.ts';
import type { Authenticate } from './auth/tokens.ts';
import type { Bindings } from './bindings.ts';
import type { Api } from './client/api.ts';
import { account } from './http/account/account.tsx';
import { activateUser, resendActivation } from './http/activation.ts';
import { authenticated } from './http/authenticated.ts';
import { byMail, onlyWhereThere } from './http/by-mail.ts';
import { contentNegotiation } from './http/content-negotiation.ts';
import type { AppEnv } from './http/context.ts';
import { crossOrigin } from './http/cors.ts';
import { onError } from './http/failure.ts';
import { health } from './http/health.ts';
import { limitBody } from './http/limit-body.ts';
import { login, obtainAuthToken } from './http/login.ts';
import { logout } from './http/logout.ts';
import { deleteMe, retrieveMe, updateMe } from './http/me.ts';
import { makeMountable } from './http/mount.ts';
import { openApi } from './http/openapi/route.ts';
import { password } from './http/password.ts';
import { confirmPasswordReset, sendPasswordReset } from './http/password-reset.ts';
import { register } from './http/register.ts';
import { root } from './http/root.tsx';
import { hardeningHeaders, pageHeaders } from './http/security-headers.ts';
import { unrouted } from './http/unrouted.ts';
import { createServices } from './services.ts';
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
    const { settings, store, hashing, limits, authenticate, mail } = servicesOf(c.env);
    c.set('settings', settings);
    c.set('store', store);
    c.set('hashing', hashing);
    c.set('limits', limits);
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
    .post('/register', limitBody, register)
    .post('/login', limitBody, login)
    .post('/api-token-auth', limitBody, obtainAuthToken)
    .post('/logout', authenticated(logout))
    .post('/password', limitBody, authenticated(password))
    .get('/me', authenticated(retrieveMe))
    .patch('/me', limitBody, authenticated(updateMe))
    .delete('/me', limitBody, authenticated(deleteMe))
    .post('/users/reset_password', limitBody, byMail(sendPasswordReset))
    .post('/users/reset_password_confirm', limitBody, byMail(confirmPasswordReset))
    .post('/users/activation', limitBody, byMail(activateUser, verifiesAddresses))
    .post('/users/resend_activation', limitBody, byMail(resendActivation, verifiesAddresses))
    .get('/account', byMail(account))
    .get('/health', health)
    .get('/openapi.json', openApi);
