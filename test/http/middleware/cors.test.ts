import { describe, expect, it, vi } from 'vitest';
import { newName, send, unthrottled } from '../../helpers/client.ts';
import { failingD1 } from '../../helpers/intercept-d1.ts';

const LISTED = 'http://localhost:5173';
const UNLISTED = 'http://localhost:5174';

const ROUTES = [
  { method: 'POST', path: '/register' },
  { method: 'POST', path: '/login' },
  { method: 'POST', path: '/api-token-auth' },
  { method: 'GET', path: '/me' },
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

it('reads the origins from the variable', async () => {
  const bindings = { ...unthrottled, CORS_ALLOWED_ORIGINS: 'https://app.example.com' };
  const from = async (origin: string) => {
    const response = await send('/me', { headers: { Origin: origin } }, bindings);
    return response.headers.get('Access-Control-Allow-Origin');
  };
  expect(await from('https://app.example.com')).toBe('https://app.example.com');
  expect(await from(LISTED)).toBeNull();
});
