/**
 * The app, as a request meets it: settings and store, CORS, the routes, and what answers where no
 * route does.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ApplyGlobalResponse } from 'hono/client';
import type { Authenticate } from './auth/tokens.ts';
import type { Bindings } from './bindings.ts';
import { account } from './http/account/account.tsx';
import { activateUser, resendActivation } from './http/activation.ts';
import { authenticated } from './http/authenticated.ts';
import { byMail } from './http/by-mail.ts';
import { contentNegotiation } from './http/content-negotiation.ts';
import type { AppEnv } from './http/context.ts';
import { crossOrigin } from './http/cors.ts';
import { fail, onError } from './http/failure.ts';
import { health } from './http/health.ts';
import { login, obtainAuthToken } from './http/login.ts';
import { logout } from './http/logout.ts';
import { deleteMe, retrieveMe, updateMe } from './http/me.ts';
import { makeMountable } from './http/mount.ts';
import { openApi } from './http/openapi/route.ts';
import { password } from './http/password.ts';
import { register } from './http/register.ts';
import { confirmPasswordReset, sendPasswordReset } from './http/reset-password.ts';
import { root } from './http/root.tsx';
import { hardeningHeaders, pageHeaders } from './http/security-headers.ts';
import { unrouted } from './http/unrouted.ts';
import { type AppOptions, createServices } from './services.ts';
import type { Settings } from './settings.ts';

/** A registration needs 30 KB at the very most: 4,096 characters of password, escaped in JSON. */
const MAX_BODY_BYTES = 64 * 1024;

/** The paths that a view of Django REST Framework answers in a Django project. */
const VIEWS = ['/register', '/login', '/api-token-auth', '/logout', '/password', '/me', '/users/*'];

const verifiesAddresses = (settings: Settings) => settings.emailVerification === 'required';

/**
 * The app: a Worker by itself, or a part of another, below any path.
 *
 * @returns it, and `authenticate`, which `tokenAuthentication` and `authEntrypoint` take
 * @throws SettingsError where a setting of the options cannot be used
 *
 * @example
 * const auth = createApp({ bindings: (env: Env) => ({ DB: env.AUTH_DB }) });
 * export default new Hono<{ Bindings: Env }>()
 *   .route('/auth', auth)
 *   .use('/rocks/*', tokenAuthentication(auth))
 */
export function createApp<E extends object = Bindings>(options: AppOptions<E> = {}) {
  const servicesOf = createServices(options);
  const app = new Hono<AppEnv & { Bindings: E }>({ strict: false });
  const limitBody = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: (c) => fail(c, { kind: 'body-too-large' }),
  });

  app.get('/', pageHeaders);
  app.get('/account', pageHeaders);
  app.use(hardeningHeaders);
  app.use(async function services(c, next) {
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
  for (const path of VIEWS) app.use(path, contentNegotiation);

  app.onError(onError);
  app.notFound(unrouted(app));

  const routed = app
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
  makeMountable(app);

  const authenticate = (
    authorization: string | undefined,
    { env }: { env: E },
  ): ReturnType<Authenticate> => servicesOf(env).authenticate(authorization);
  return Object.assign(routed, { authenticate });
}

type Detail = { json: { detail: string } };

/**
 * What a typed client is made of: `hc<AppType>(url)`, from hono/client. With each route's own
 * answers come those of the middleware and of faults.
 */
export type AppType = ApplyGlobalResponse<
  ReturnType<typeof createApp<Bindings>>,
  { 401: Detail; 406: Detail; 500: Detail; 503: Detail }
>;
