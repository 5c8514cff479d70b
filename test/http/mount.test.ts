/** The app mounted in another app. At any path it responds like the standalone Worker. */
import { applyD1Migrations, createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import { requestId } from 'hono/request-id';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../src/app.ts';
import { tokenAuthentication } from '../../src/http/middleware/token-authentication.ts';
import { authEntrypoint } from '../../src/rpc/auth-entrypoint.ts';
import { answer, newName, send, unthrottled } from '../helpers/client.ts';

/** The bindings of another Worker, with other names. */
type HostEnv = { AUTH_DB: D1Database; OTHER_DB: D1Database };
const hostEnv: HostEnv = { AUTH_DB: env.DB, OTHER_DB: env.ROCKS_DB };

beforeAll(() => applyD1Migrations(env.ROCKS_DB, env.TEST_MIGRATIONS));

const newAuth = () => createApp({ bindings: ({ AUTH_DB }: HostEnv) => ({ DB: AUTH_DB }) });

type Host = { fetch: Hono<{ Bindings: HostEnv }>['fetch'] };

async function ask(host: Host, path: string, init?: RequestInit) {
  const ctx = createExecutionContext();
  const request = new Request(`http://localhost:8000${path}`, init);
  const response = await host.fetch(request, hostEnv, ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});

const as = (token: string): RequestInit => ({ headers: { Authorization: `Token ${token}` } });

async function register(host: Host, base: string, username = newName()) {
  const response = await ask(host, `${base}/register`, json({ username, password: 'pw' }));
  expect(response.status).toBe(201);
  return (await response.json<{ token: string }>()).token;
}

/** A host app with a handler for every path. */
const greedy = (strict: boolean) =>
  new Hono<{ Bindings: HostEnv }>({ strict })
    .get('/', (c) => c.text('home'))
    .route('/auth', newAuth())
    .all('*', (c) => c.html('<h1>Anything</h1>'))
    .onError((_, c) => c.text('theirs', 500))
    .notFound((c) => c.text('theirs', 404));

const whole = async (response: Response) => ({
  status: response.status,
  headers: Object.fromEntries(response.headers),
  text: await response.text(),
});

describe.each([
  { base: '/auth', host: greedy(true), name: 'a strict app' },
  { base: '/auth', host: greedy(false), name: 'a lenient app' },
  { base: '', host: new Hono().route('/', newAuth()), name: 'an app at /' },
  {
    base: '/v1/acme/auth',
    host: new Hono().basePath('/v1').route('/:tenant', new Hono().route('/auth/', newAuth())),
    name: 'a nested app, below a path parameter',
  },
])('mounted below "$base" in $name', ({ base, host }) => {
  const origin = { Origin: 'http://localhost:5173' };
  const preflight = { ...origin, 'Access-Control-Request-Method': 'POST' };

  it.each([
    { path: '/me' },
    { path: '/me/' },
    { path: '/me', init: { method: 'HEAD' } },
    { path: '/me', init: { method: 'PUT' } },
    { path: '/me', init: { headers: { Accept: 'text/html' } } },
    { path: '/register' },
    { path: '/register/', init: { method: 'DELETE' } },
    { path: '/register', init: { method: 'OPTIONS' } },
    { path: '/api-token-auth/', init: { method: 'OPTIONS' } },
    { path: '/register', init: { method: 'OPTIONS', headers: preflight } },
    { path: '/nothing', init: { method: 'OPTIONS', headers: preflight } },
    { path: '/register', init: { ...json({}), headers: origin } },
    { path: '/register', init: json({ username: '' }) },
    { path: '/login?format=xml', init: json({}) },
    { path: '/nothing' },
    { path: '/nothing/' },
    { path: '//me' },
    { path: '/me%2F' },
    { path: '/health/' },
  ])('responds to $init.method $path like the standalone Worker', async ({ path, init }) => {
    expect(await whole(await ask(host, `${base}${path}`, init))).toEqual(
      await whole(await send(path, init)),
    );
  });

  it('registers, logs in, identifies and logs out', async () => {
    const username = newName();
    const token = await register(host, base, username);
    const login = await ask(host, `${base}/login/`, json({ username, password: 'pw' }));
    expect(await answer(login)).toEqual({ status: 200, body: { valid: true, token } });
    const me = await ask(host, `${base}/me`, as(token));
    expect(await answer(me)).toMatchObject({ status: 200, body: { username } });
    const logout = await ask(host, `${base}/logout`, { ...as(token), method: 'POST' });
    expect(logout.status).toBe(204);
    expect((await ask(host, `${base}/me`, as(token))).status).toBe(401);
  });

  it('has its mounted address in the OpenAPI document', async () => {
    const document = await ask(host, `${base}/openapi.json`);
    expect(await document.json()).toMatchObject({
      servers: [{ url: `http://localhost:8000${base}` }],
    });
  });

  it.each(base === '' ? ['/'] : ['', '/'])(
    'serves a page at %j, whose forms and links stay below the mount path',
    async (end) => {
      const response = await ask(host, `${base}${end}`);
      const page = await response.text();
      expect(page).toContain(`<form action="${base}/register"`);
      expect(page).toContain(`href="${base}/openapi.json"`);
      expect(page).toContain(`POST ${base}/login`);
      const [, nonce] = /script-src 'nonce-([^']+)'/.exec(
        response.headers.get('Content-Security-Policy') ?? '',
      ) ?? ['', 'none'];
      expect(page).toContain(`<script type="module" nonce="${nonce}">`);
      expect(response.headers.get('X-Frame-Options')).toBe('DENY');
    },
  );
});

describe('in another app', () => {
  it('lists its routes with their mounted paths if the page is disabled', async () => {
    const settings = { browsableApi: false };
    const bindings = ({ AUTH_DB }: HostEnv) => ({ DB: AUTH_DB });
    const host = new Hono().route('/auth', createApp({ bindings, settings }));
    const body = {
      '/auth': ['GET'],
      '/auth/register': ['POST'],
      '/auth/me': ['GET', 'PATCH', 'DELETE'],
    };
    expect(await answer(await ask(host, '/auth/'))).toMatchObject({ status: 200, body });
  });

  it('leaves all other paths to the host', async () => {
    const host = greedy(true);
    expect(await (await ask(host, '/')).text()).toBe('home');
    expect(await (await ask(host, '/authors')).text()).toBe('<h1>Anything</h1>');
  });

  it('responds to its own errors with its own messages', async () => {
    const broken = createApp({
      bindings: (): never => {
        throw new Error('no bindings');
      },
    });
    const host = new Hono().route('/auth', broken).onError((_, c) => c.text('theirs', 418));
    expect(await answer(await ask(host, '/auth/me'))).toEqual({
      status: 500,
      body: { detail: 'A server error occurred.' },
    });
  });

  it('does not use the context variables of the host, and keeps the headers of the host', async () => {
    const host = new Hono<{ Bindings: HostEnv; Variables: { store: string } }>()
      .use(requestId())
      .use(async (c, next) => {
        c.set('store', 'theirs');
        await next();
        c.header('X-Store', c.var.store);
      })
      .route('/auth', newAuth());
    const response = await ask(host, '/auth/me');
    expect(response.status).toBe(401);
    expect(response.headers.get('X-Store')).toBe('theirs');
    expect(response.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.headers.get('WWW-Authenticate')).toBe('Token');
  });

  describe('behind a middleware that has read the body', () => {
    const user = () => ({ username: newName(), password: 'line one\nline two ä' });
    const form = (fields: Record<string, string>) => {
      const data = new FormData();
      for (const [name, value] of Object.entries(fields)) data.append(name, value);
      return data;
    };
    const BODIES = {
      JSON: (fields: Record<string, string>) => json(fields),
      'a form': (fields: Record<string, string>) => ({
        method: 'POST',
        body: new URLSearchParams(fields),
      }),
      'a multipart form': (fields: Record<string, string>) => ({
        method: 'POST',
        body: form(fields),
      }),
    };
    type Read = (c: Context) => Promise<unknown>;
    const behind = (read: Read) =>
      new Hono()
        .use(async (c, next) => {
          // A middleware may ignore that a body is not of its kind.
          await read(c).catch(() => undefined);
          await next();
        })
        .route('/auth', newAuth());
    const READS: Record<string, Read> = {
      text: (c) => c.req.text(),
      json: (c) => c.req.json(),
      arrayBuffer: (c) => c.req.arrayBuffer(),
      blob: (c) => c.req.blob(),
      parseBody: (c) => c.req.parseBody(),
      'text, then parseBody': (c) => c.req.text().then(() => c.req.parseBody()),
      'a clone': (c) => c.req.raw.clone().text(),
    };

    it.each(
      Object.keys(BODIES).flatMap((kind) => Object.keys(READS).map((read) => ({ kind, read }))),
    )('reads $kind after $read', async ({ kind, read }) => {
      const bodyOf = BODIES[kind as keyof typeof BODIES];
      const host = behind(READS[read] as Read);
      const fields = user();
      const registered = await answer(await ask(host, '/auth/register', bodyOf(fields)));
      expect(registered).toEqual({ status: 201, body: { token: expect.any(String) } });
      // The fields have not changed: they are the credentials.
      expect((await ask(greedy(true), '/auth/login', json(fields))).status).toBe(200);
    });

    it.each(['a form', 'a multipart form'] as const)('reads %s after formData', async (kind) => {
      const fields = user();
      const host = behind((c) => c.req.formData());
      expect((await ask(host, '/auth/register', BODIES[kind](fields))).status).toBe(201);
      expect((await ask(greedy(true), '/auth/login', json(fields))).status).toBe(200);
    });

    it('refuses a file in a form as before', async () => {
      const body = form({ username: newName() });
      body.append('password', new File(['secret'], 'password.txt'));
      const host = behind((c) => c.req.formData());
      expect(await answer(await ask(host, '/auth/register', { method: 'POST', body }))).toEqual({
        status: 400,
        body: { password: ['Not a valid string.'] },
      });
    });

    it('refuses a body that is too large as before', async () => {
      const body = new URLSearchParams({ username: 'x'.repeat(70_000) });
      for (const read of [READS.text, READS.parseBody] as Read[]) {
        const response = await ask(behind(read), '/auth/register', { method: 'POST', body });
        expect(response.status).toBe(413);
      }
    });

    it.each([
      { how: 'read from c.req.raw', read: (c: Context) => c.req.raw.text() },
      { how: 'locked', read: async (c: Context) => c.req.raw.body?.getReader() },
      {
        how: 'read by formData, which has failed',
        read: (c: Context) => c.req.formData(),
      },
    ])('logs the reason if the body was $how, and responds 500', async ({ read }) => {
      const error = vi.spyOn(console, 'error').mockImplementation(() => {});
      const host = behind(read);
      const origin = { Origin: 'http://localhost:5173' };
      const init = json(user());
      const response = await ask(host, '/auth/register', {
        ...init,
        headers: { ...init.headers, ...origin },
      });
      expect(response.headers.get('Access-Control-Allow-Origin')).toBe(origin.Origin);
      expect(await answer(response)).toEqual({
        status: 500,
        body: { detail: 'A server error occurred.' },
      });
      expect(error).toHaveBeenCalledOnce();
      expect(String(error.mock.lastCall)).toContain('has read the body from c.req.raw');
      expect(String(error.mock.lastCall)).toContain('c.req.raw.clone()');
    });

    it('serves routes that read no body', async () => {
      const token = await register(greedy(true), '/auth');
      const host = behind((c) => c.req.raw.text());
      const logout = { ...json({}), headers: { Authorization: `Token ${token}` } };
      expect((await ask(host, '/auth/logout', logout)).status).toBe(204);
    });
  });

  it('leaves preflights to the CORS middleware of the host, if it has one', async () => {
    const host = new Hono().use(cors({ origin: 'https://host.example' })).route('/auth', newAuth());
    const headers = {
      Origin: 'https://host.example',
      'Access-Control-Request-Method': 'POST',
    };
    const response = await ask(host, '/auth/login', { method: 'OPTIONS', headers });
    expect(response.status).toBe(204);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('https://host.example');
  });

  it('responds without an execution context, as in tests', async () => {
    const host = new Hono<{ Bindings: HostEnv }>().route('/auth', newAuth());
    const body = json({ username: newName(), password: 'pw' });
    expect((await host.request('/auth/register', body, hostEnv)).status).toBe(201);
  });

  it('protects routes of the host and serves other Workers over RPC', async () => {
    const auth = newAuth();
    const host = new Hono<{ Bindings: HostEnv }>()
      .route('/auth', auth)
      .use('/rocks/*', tokenAuthentication(auth))
      .get('/rocks', (c) => c.json({ owner: c.var.user.username }));
    const username = newName();
    const token = await register(host, '/auth', username);
    expect((await ask(host, '/rocks')).status).toBe(401);
    expect(await answer(await ask(host, '/rocks', as(token)))).toEqual({
      status: 200,
      body: { owner: username },
    });
    const entrypoint = new (authEntrypoint(auth))(createExecutionContext(), hostEnv);
    expect(await entrypoint.authenticate(`Token ${token}`)).toMatchObject({
      ok: true,
      value: { user: { username } },
    });
  });
});

describe('a browser at another origin', () => {
  const ORIGIN = 'http://localhost:5173';
  const preflightOf = (method: string, origin = ORIGIN): RequestInit => ({
    method: 'OPTIONS',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': method,
      'Access-Control-Request-Headers': 'authorization,content-type',
    },
  });
  /** A host whose routes respond to every method, also to OPTIONS. */
  const hosts = {
    'mounted below a path, before the routes': () => {
      const auth = newAuth();
      return new Hono<{ Bindings: HostEnv }>()
        .route('/auth', auth)
        .use('/rocks/*', tokenAuthentication(auth))
        .all('/rocks/:id?', (c) => c.json({ owner: c.var.user.username }))
        .use('/open', auth.crossOrigin)
        .all('/open', (c) => c.text('open'));
    },
    'mounted below a path, after the routes': () => {
      const auth = newAuth();
      return new Hono<{ Bindings: HostEnv }>()
        .use('/rocks/*', tokenAuthentication(auth))
        .all('/rocks/:id?', (c) => c.json({ owner: c.var.user.username }))
        .use('/open', auth.crossOrigin)
        .all('/open', (c) => c.text('open'))
        .route('/auth', auth);
    },
    'mounted at /, before the routes': () => {
      const auth = newAuth();
      return new Hono<{ Bindings: HostEnv }>()
        .route('/', auth)
        .use('/rocks/*', tokenAuthentication(auth))
        .all('/rocks/:id?', (c) => c.json({ owner: c.var.user.username }))
        .use('/open', auth.crossOrigin)
        .all('/open', (c) => c.text('open'));
    },
    'mounted at /, with the CORS middleware for all paths': () => {
      const auth = newAuth();
      return new Hono<{ Bindings: HostEnv }>()
        .use(auth.crossOrigin)
        .route('/', auth)
        .use('/rocks/*', tokenAuthentication(auth))
        .all('/rocks/:id?', (c) => c.json({ owner: c.var.user.username }))
        .all('/open', (c) => c.text('open'));
    },
  };

  describe.each(Object.entries(hosts))('%s', (name, newHost) => {
    const host = newHost();
    const base = name.includes('at /') ? '' : '/auth';

    it.each(['/rocks', '/rocks/1', '/open', `${base}/me`])(
      'gets permission for %s without a token',
      async (path) => {
        const response = await ask(host, path, preflightOf('PATCH'));
        expect({ status: response.status, text: await response.text() }).toEqual({
          status: 204,
          text: '',
        });
        expect(response.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
        expect(response.headers.get('Access-Control-Allow-Methods')).toContain('PATCH');
        expect(response.headers.get('Access-Control-Allow-Headers')).toContain('authorization');
        const stranger = await ask(host, path, preflightOf('PATCH', 'https://evil.example'));
        expect(stranger.headers.get('Access-Control-Allow-Origin')).toBeNull();
        expect(await stranger.text()).toBe('');
      },
    );

    it('can read the responses with and without a token', async () => {
      const username = newName();
      const token = await register(host, base, username);
      const headers = { Origin: ORIGIN, Authorization: `Token ${token}` };
      const rocks = await ask(host, '/rocks', { headers });
      expect(rocks.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
      expect(rocks.headers.get('Vary')).toBe('Origin');
      expect(await answer(rocks)).toEqual({ status: 200, body: { owner: username } });
      const refused = await ask(host, '/rocks', { headers: { Origin: ORIGIN } });
      expect(refused.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
      expect(refused.headers.get('Access-Control-Expose-Headers')).toContain('WWW-Authenticate');
      expect(refused.status).toBe(401);
      const open = await ask(host, '/open', { headers: { Origin: ORIGIN } });
      expect(open.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
      expect(await open.text()).toBe('open');
    });

    it('never reaches a handler by OPTIONS without a token', async () => {
      const partly = [
        { Origin: ORIGIN },
        { 'Access-Control-Request-Method': 'GET' },
      ] as HeadersInit[];
      for (const headers of partly) {
        const response = await ask(host, '/rocks', { method: 'OPTIONS', headers });
        expect(response.status).toBe(401);
      }
    });

    it('varies by origin once if the request has none', async () => {
      expect((await ask(host, '/rocks')).headers.get('Vary')).toBe('Origin');
    });
  });

  it('follows the settings of the app', async () => {
    const auth = createApp({
      bindings: ({ AUTH_DB }: HostEnv) => ({ DB: AUTH_DB }),
      settings: { corsAllowedOrigins: ['https://rocks.example'], corsAllowCredentials: true },
    });
    const host = new Hono<{ Bindings: HostEnv }>()
      .route('/auth', auth)
      .use('/rocks', tokenAuthentication(auth))
      .get('/rocks', (c) => c.json({ owner: c.var.user.username }));
    const allowed = await ask(host, '/rocks', preflightOf('GET', 'https://rocks.example'));
    expect(allowed.headers.get('Access-Control-Allow-Origin')).toBe('https://rocks.example');
    expect(allowed.headers.get('Access-Control-Allow-Credentials')).toBe('true');
    const other = await ask(host, '/rocks', preflightOf('GET'));
    expect(other.headers.get('Access-Control-Allow-Origin')).toBeNull();
  });

  it('can read an error that a handler of the host throws', async () => {
    const auth = newAuth();
    const host = new Hono<{ Bindings: HostEnv }>()
      .route('/auth', auth)
      .use('/rocks', tokenAuthentication(auth))
      .get('/rocks', () => {
        throw new Error('of the host');
      })
      .onError((error, c) => c.text(error.message, 500));
    const token = await register(host, '/auth');
    const headers = { Origin: ORIGIN, Authorization: `Token ${token}` };
    const response = await ask(host, '/rocks', { headers });
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
    expect({ status: response.status, text: await response.text() }).toEqual({
      status: 500,
      text: 'of the host',
    });
  });
});

describe('mounted at / before the routes of the host', () => {
  const host = new Hono<{ Bindings: HostEnv }>()
    .route('/', newAuth())
    .get('/rocks', (c) => c.text('rocks'))
    .post('/echo', async (c) => c.text(await c.req.text()))
    .get('/broken', () => {
      throw new Error('of the host');
    })
    .onError((error, c) => c.text(error.message, 500));

  it('leaves other paths to the host, without headers or errors of the app', async () => {
    const response = await ask(host, '/rocks');
    expect(await whole(response)).toEqual({
      status: 200,
      headers: { 'content-type': 'text/plain;charset=UTF-8' },
      text: 'rocks',
    });
    expect(await (await ask(host, '/echo', { method: 'POST', body: 'text' })).text()).toBe('text');
    expect(await (await ask(host, '/broken')).text()).toBe('of the host');
  });

  it('responds to its own paths and to paths that no route has', async () => {
    for (const [path, init] of [
      ['/me', {}],
      ['/me/', {}],
      ['/register', { method: 'GET' }],
      ['/nothing', {}],
      ['/rocks', { method: 'DELETE' }],
    ] as const) {
      expect(await whole(await ask(host, path, init))).toEqual(await whole(await send(path, init)));
    }
  });

  it('keeps its own paths if the host has a handler for every path', async () => {
    const spa = new Hono<{ Bindings: HostEnv }>()
      .route('/', newAuth())
      .all('*', (c) => c.text('page'));
    expect((await ask(spa, '/me')).status).toBe(401);
    expect((await ask(spa, '/me', { method: 'PUT' })).status).toBe(
      (await send('/me', { method: 'PUT' })).status,
    );
    expect(await (await ask(spa, '/some/page')).text()).toBe('page');
  });

  it('serves a route that was added to the app', async () => {
    const auth = newAuth();
    auth
      .use('/mine/*', tokenAuthentication())
      .get('/mine', (c) => c.json({ owner: c.var.user.username }));
    const parent = new Hono<{ Bindings: HostEnv }>().route('/', auth).all('*', (c) => c.text('no'));
    const username = newName();
    const token = await register(parent, '', username);
    expect((await ask(parent, '/mine')).status).toBe(401);
    expect(await answer(await ask(parent, '/mine', as(token)))).toEqual({
      status: 200,
      body: { owner: username },
    });
  });
});

it('protects routes of the host with the keyword of the app', async () => {
  const auth = createApp({
    bindings: ({ AUTH_DB }: HostEnv) => ({ DB: AUTH_DB }),
    settings: { authHeaderKeyword: 'Bearer' },
  });
  const host = new Hono<{ Bindings: HostEnv }>()
    .route('/auth', auth)
    .use('/rocks', tokenAuthentication(auth))
    .get('/rocks', (c) => c.json({ owner: c.var.user.username }));
  const username = newName();
  const token = await register(host, '/auth', username);
  const bearer = { headers: { Authorization: `Bearer ${token}` } };
  expect(await answer(await ask(host, '/rocks', bearer))).toEqual({
    status: 200,
    body: { owner: username },
  });
  const refused = await ask(host, '/rocks', as(token));
  expect(refused.status).toBe(401);
  expect(refused.headers.get('WWW-Authenticate')).toBe('Bearer');
});

describe('two apps with two databases in one Worker', () => {
  const settings = { tokenCacheSeconds: 60 };
  const one = createApp({ bindings: ({ AUTH_DB }: HostEnv) => ({ DB: AUTH_DB }), settings });
  const other = createApp({
    bindings: ({ OTHER_DB }: HostEnv) => ({ DB: OTHER_DB }),
    settings: { ...settings, passwordValidators: ['MinimumLength'], browsableApi: false },
  });
  const host = new Hono<{ Bindings: HostEnv }>()
    .route('/one', one)
    .route('/other', other)
    .use('/rocks/*', tokenAuthentication(one))
    .get('/rocks', (c) => c.text(c.var.user.username));

  it('do not share users or tokens, including cached tokens', async () => {
    const username = newName();
    const password = 'longer than eight';
    const bodies = json({ username, password });
    const tokens = await Promise.all(
      ['/one', '/other'].map(async (base) => {
        const response = await ask(host, `${base}/register`, bodies);
        expect(response.status).toBe(201);
        return (await response.json<{ token: string }>()).token;
      }),
    );
    const [mine = '', theirs = ''] = tokens;
    // The second response comes from the cache.
    for (let i = 0; i < 2; i++) {
      expect((await ask(host, '/one/me', as(mine))).status).toBe(200);
      expect((await ask(host, '/other/me', as(theirs))).status).toBe(200);
      expect((await ask(host, '/one/me', as(theirs))).status).toBe(401);
      expect((await ask(host, '/other/me', as(mine))).status).toBe(401);
      expect((await ask(host, '/rocks', as(mine))).status).toBe(200);
      expect((await ask(host, '/rocks', as(theirs))).status).toBe(401);
    }
    // A logout clears the cache of the same app and of no other.
    await ask(host, '/one/logout', { ...as(mine), method: 'POST' });
    expect((await ask(host, '/rocks', as(mine))).status).toBe(401);
    expect((await ask(host, '/other/me', as(theirs))).status).toBe(200);
  });

  it('have separate settings', async () => {
    const short = json({ username: newName(), password: 'short' });
    expect((await ask(host, '/one/register', short)).status).toBe(201);
    expect((await ask(host, '/other/register', short)).status).toBe(400);
    expect((await ask(host, '/one/')).headers.get('Content-Type')).toMatch('text/html');
    expect((await ask(host, '/other/')).headers.get('Content-Type')).toMatch('application/json');
  });
});

describe('createApp', () => {
  it('throws an error that names an invalid option', () => {
    expect(() => createApp({ settings: { tokenCacheSeconds: 61 } })).toThrow(
      'The option tokenCacheSeconds is 61. It must be a whole number of seconds from 0 to 60.',
    );
  });

  it('prefers an option to its variable', async () => {
    const app = createApp({ settings: { browsableApi: false } });
    const response = await app.request('/', {}, { ...unthrottled, BROWSABLE_API: 'true' });
    expect(response.headers.get('Content-Type')).toMatch('application/json');
  });
});
