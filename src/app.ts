/**
 * The app, as a request meets it: settings and store, CORS, the routes, and what answers where no
 * route does.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { requestId } from 'hono/request-id';
import { authenticate } from './auth/tokens.ts';
import type { AppEnv, Bindings, Services } from './http/context.ts';
import { crossOrigin } from './http/cors.ts';
import { fail, onError } from './http/failure.ts';
import { login, obtainAuthToken } from './http/login.ts';
import { logout } from './http/logout.ts';
import { deleteMe, retrieveMe, updateMe } from './http/me.ts';
import { noRoute } from './http/no-route.ts';
import { password } from './http/password.ts';
import { register } from './http/register.ts';
import { root } from './http/root.tsx';
import { hardeningHeaders, pageHeaders } from './http/security-headers.ts';
import { tokenAuthentication } from './http/token-authentication.ts';
import { parseSettings } from './settings.ts';
import { createStore } from './store/store.ts';

/** A registration needs 30 KB at the very most: 4,096 characters of password, escaped in JSON. */
const MAX_BODY_BYTES = 64 * 1024;

export function createApp() {
  const app = new Hono<AppEnv>({ strict: false });
  const limitBody = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: (c) => fail(c, { kind: 'body-too-large' }),
  });
  const authenticated = tokenAuthentication<AppEnv>({
    authenticate: (authorization, c) => c.var.authenticate(authorization),
  });

  app.use(hardeningHeaders);
  app.use(
    // Cloudflare's own id where there is one; never the client's word for it.
    requestId({
      headerName: '',
      generator: (c) => c.req.header('CF-Ray') ?? crypto.randomUUID(),
    }),
  );
  app.use(async function services(c, next) {
    const { settings, store, authenticate } = servicesOf(c.env);
    c.set('settings', settings);
    c.set('store', store);
    c.set('authenticate', authenticate);
    await next();
  });
  app.use(crossOrigin);
  for (const path of ['/me', '/logout', '/password']) app.use(path, authenticated);

  app.onError(onError);
  app.notFound(noRoute(app));

  return app
    .get('/', pageHeaders, root(app))
    .post('/register', limitBody, register)
    .post('/login', limitBody, login)
    .post('/api-token-auth', limitBody, obtainAuthToken)
    .post('/logout', logout)
    .post('/password', limitBody, password)
    .get('/me', retrieveMe)
    .patch('/me', limitBody, updateMe)
    .delete('/me', limitBody, deleteMe);
}

/** An isolate's `env` stays the same: its vars are parsed and its statements prepared once. */
const services = new WeakMap<Bindings, Services>();

function servicesOf(env: Bindings): Services {
  const known = services.get(env);
  if (known) return known;
  const [settings, store] = [parseSettings({ ...env }), createStore(env.DB)];
  const created: Services = {
    settings,
    store,
    authenticate: (authorization) =>
      authenticate(authorization, store.findToken, settings.tokenMaxAgeDays),
  };
  services.set(env, created);
  return created;
}
