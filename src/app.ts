/**
 * The app, as a request meets it: settings and store, CORS, the routes, and what answers where no
 * route does.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { AppEnv } from './http/context.ts';
import { crossOrigin } from './http/cors.ts';
import { fail, onError } from './http/failure.ts';
import { login } from './http/login.ts';
import { me } from './http/me.ts';
import { noRoute } from './http/no-route.ts';
import { obtainAuthToken } from './http/obtain-auth-token.ts';
import { register } from './http/register.ts';
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

  app.use(async function services(c, next) {
    const { settings, store } = servicesOf(c.env);
    c.set('settings', settings);
    c.set('store', store);
    await next();
  });
  app.use(crossOrigin);

  app.use(
    '/me',
    tokenAuthentication<AppEnv>({ findToken: (key, c) => c.var.store.findToken(key) }),
  );

  app.onError(onError);
  app.notFound(noRoute(app));

  return app
    .post('/register', limitBody, register)
    .post('/login', limitBody, login)
    .post('/api-token-auth', limitBody, obtainAuthToken)
    .get('/me', me);
}

/** An isolate's `env` stays the same: its vars are parsed and its statements prepared once. */
const services = new WeakMap<Env, AppEnv['Variables']>();

function servicesOf(env: Env): AppEnv['Variables'] {
  const known = services.get(env);
  if (known) return known;
  const created = { settings: parseSettings(env), store: createStore(env.DB) };
  services.set(env, created);
  return created;
}
