import { describe, expect, it, vi } from 'vitest';
import { isAllowedOrigin } from '../../../src/http/middleware/cors.ts';
import type { Bindings } from '../../../src/services/bindings.ts';
import { newName, send, unthrottled } from '../../helpers/client.ts';
import { failingD1 } from '../../helpers/intercept-d1.ts';

const LISTED = 'http://localhost:5173';
const UNLISTED = 'http://localhost:5175';

const ROUTES = [
  { method: 'POST', path: '/register' },
  { method: 'POST', path: '/login' },
  { method: 'POST', path: '/api-token-auth' },
  { method: 'GET', path: '/me' },
  { method: 'PUT', path: '/rocks/1' },
];

const preflight = (origin: string, method: string, path: string) =>
  send(path, {
    method: 'OPTIONS',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': method,
      'Access-Control-Request-Headers': 'authorization,content-type',
    },
  });

describe.each(ROUTES)('$method $path', ({ method, path }) => {
  it('allows a listed origin: preflight and request', async () => {
    const allowed = await preflight(LISTED, method, path);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('Access-Control-Allow-Origin')).toBe(LISTED);
    expect(allowed.headers.get('Access-Control-Allow-Methods')?.split(',')).toContain(method);
    const headers = allowed.headers.get('Access-Control-Allow-Headers')?.toLowerCase().split(',');
    expect(headers).toEqual(expect.arrayContaining(['authorization', 'content-type']));
    expect(allowed.headers.get('Access-Control-Allow-Credentials')).toBeNull();
    expect(allowed.headers.get('Access-Control-Max-Age')).toBe('86400');

    const response = await send(path, { method, headers: { Origin: LISTED } });
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe(LISTED);
    expect(response.headers.get('Vary')).toBe('Origin');
  });

  it('refuses an unlisted origin', async () => {
    const refused = await preflight(UNLISTED, method, path);
    expect(refused.headers.get('Access-Control-Allow-Origin')).toBeNull();
    const response = await send(path, { method, headers: { Origin: UNLISTED } });
    expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull();
    expect(response.headers.get('Vary')).toBe('Origin');
  });
});

it.each([
  { name: 'success', status: 201, path: '/register', init: {} },
  { name: 'invalid data', status: 400, path: '/register', init: { body: '{}' } },
  { name: 'not authenticated', status: 401, path: '/me', init: { method: 'GET' } },
  { name: 'not found', status: 404, path: '/nowhere', init: { method: 'GET' } },
  { name: 'method not allowed', status: 405, path: '/login', init: { method: 'GET' } },
  { name: 'too large', status: 413, path: '/login', init: { body: 'x'.repeat(70_000) } },
  { name: 'unsupported', status: 415, path: '/login', init: { body: 'x', type: 'text/plain' } },
])('sets the CORS headers on $status, $name', async ({ status, path, init }) => {
  const { method = 'POST', type = 'application/json' } = {
    ...init,
    ...('type' in init ? init : {}),
  };
  const body = 'body' in init ? init.body : JSON.stringify({ username: newName(), password: 'pw' });
  const response = await send(path, {
    method,
    headers: { Origin: LISTED, 'Content-Type': type },
    body: method === 'GET' ? null : body,
  });
  expect(response.status).toBe(status);
  expect(response.headers.get('Access-Control-Allow-Origin')).toBe(LISTED);
});

it('sets the CORS headers on 500', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  const headers = { Origin: LISTED, Authorization: 'Token x' };
  const response = await send('/me', { headers }, failingD1(new Error('D1_ERROR: down')));
  expect(response.status).toBe(500);
  expect(response.headers.get('Access-Control-Allow-Origin')).toBe(LISTED);
});

/** `Access-Control-Allow-Origin` for an origin. */
async function allowedOrigin(origin: string, CORS_ALLOWED_ORIGINS?: string) {
  const bindings = { ...unthrottled, ...(CORS_ALLOWED_ORIGINS && { CORS_ALLOWED_ORIGINS }) };
  const response = await send('/me', { headers: { Origin: origin } }, bindings);
  return response.headers.get('Access-Control-Allow-Origin');
}

it('reads the origins from the variable', async () => {
  const allowed = 'https://app.example.com';
  expect(await allowedOrigin(allowed, allowed)).toBe(allowed);
  expect(await allowedOrigin(LISTED, allowed)).toBeNull();
});

it('allows the ports of development servers by default', async () => {
  for (const port of [3000, 4173, 4200, 5173, 5174, 5500, 8080]) {
    for (const host of ['localhost', '127.0.0.1']) {
      const origin = `http://${host}:${port}`;
      expect(await allowedOrigin(origin)).toBe(origin);
    }
  }
});

describe('an origin with a *', () => {
  const PATTERNS = 'https://*.rocks.pages.dev, https://rocks-*-team.vercel.app,http://*--x.y.z:81';

  it.each([
    'https://a1b2c3d4.rocks.pages.dev',
    'https://feature-1.rocks.pages.dev',
    'https://rocks-git-main-team.vercel.app',
    'http://deploy-preview-12--x.y.z:81',
  ])('allows %s', async (origin) => {
    expect(await allowedOrigin(origin, PATTERNS)).toBe(origin);
  });

  it.each([
    'https://rocks.pages.dev',
    'https://.rocks.pages.dev',
    'http://a.rocks.pages.dev',
    'https://a.b.rocks.pages.dev',
    'https://evil.example/.rocks.pages.dev',
    'https://evil.example#.rocks.pages.dev',
    'https://evil.example:443@a.rocks.pages.dev',
    'https://a.rocks.pages.dev.evil.example',
    'https://evilrocks.pages.dev',
    'https://a.rocks.pages.dev:8443',
    'https://a\u00e4.rocks.pages.dev',
    'https://*.rocks.pages.dev',
    'https://rocks--team.vercel.app',
    'https://rocks-team.vercel.app',
    'http://a--x.y.z',
    'null',
  ])('refuses %s', async (origin) => {
    expect(await allowedOrigin(origin, PATTERNS)).toBeNull();
  });

  it('compares a long origin in linear time', () => {
    const time = (length: number) => {
      const origin = `https://${'a-'.repeat(length)}!.rocks.pages.dev`;
      const start = performance.now();
      for (let i = 0; i < 50; i++) isAllowedOrigin(['https://*.rocks.pages.dev'], origin);
      return performance.now() - start;
    };
    time(1000);
    expect(isAllowedOrigin(['https://*.a.b'], `https://${'a'.repeat(10_000)}.a.b`)).toBe(true);
    // Quadratic time would be a hundred times as long.
    expect(time(100_000)).toBeLessThan(Math.max(time(10_000) * 40, 200));
  });
});

describe('the headers of a preflight response', () => {
  const headersOf = async (vars: Partial<Bindings>) => {
    const init = {
      method: 'OPTIONS',
      headers: {
        Origin: LISTED,
        'Access-Control-Request-Method': 'PUT',
        'Access-Control-Request-Headers': 'x-anything',
      },
    };
    return (await send('/me', init, { ...unthrottled, ...vars })).headers;
  };
  const allowedHeaders = async (vars: Partial<Bindings> = {}) =>
    (await headersOf(vars)).get('Access-Control-Allow-Headers')?.split(',');

  it('lists django-cors-headers’ default and the headers of traces', async () => {
    expect(await allowedHeaders()).toEqual([
      ...['accept', 'authorization', 'content-type', 'user-agent', 'x-csrftoken'],
      ...['x-requested-with', 'traceparent', 'tracestate', 'baggage', 'sentry-trace'],
    ]);
  });

  it('lists the headers of CORS_ALLOW_HEADERS instead', async () => {
    const CORS_ALLOW_HEADERS = 'Authorization, content-type,X-Client';
    expect(await allowedHeaders({ CORS_ALLOW_HEADERS })).toEqual([
      'Authorization',
      'content-type',
      'X-Client',
    ]);
  });

  it('lists django-cors-headers’ default methods', async () => {
    const methods = (await headersOf({})).get('Access-Control-Allow-Methods')?.split(',');
    expect(methods).toEqual(
      expect.arrayContaining(['DELETE', 'GET', 'OPTIONS', 'PATCH', 'POST', 'PUT']),
    );
  });

  it('allows credentials only with CORS_ALLOW_CREDENTIALS', async () => {
    const credentials = 'Access-Control-Allow-Credentials';
    expect((await headersOf({})).get(credentials)).toBeNull();
    const vars = { CORS_ALLOW_CREDENTIALS: 'true' };
    expect((await headersOf(vars)).get(credentials)).toBe('true');
    const bindings = { ...unthrottled, ...vars };
    const response = await send('/me', { headers: { Origin: LISTED } }, bindings);
    expect(response.headers.get(credentials)).toBe('true');
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe(LISTED);
    const refused = await send('/me', { headers: { Origin: UNLISTED } }, bindings);
    expect(refused.headers.get('Access-Control-Allow-Origin')).toBeNull();
  });
});
