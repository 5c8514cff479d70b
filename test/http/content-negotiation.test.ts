/** Content negotiation. The results are recorded from DRF 3.14 with its JSONRenderer. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { answer, concretePath, newName, register, send } from '../helpers/client.ts';
import { withAllRoutes } from '../helpers/mailbox.ts';
import { ROUTES } from '../helpers/routes.ts';

const NOT_ACCEPTABLE = {
  status: 406,
  body: { detail: 'Could not satisfy the request Accept header.' },
};
const NOT_FOUND = { status: 404, body: { detail: 'Not found.' } };
const UNAUTHORIZED = {
  status: 401,
  body: { detail: 'Authentication credentials were not provided.' },
};

const accepting = (accept: string, path = '/me', init: RequestInit = {}) =>
  send(path, { ...init, headers: { ...init.headers, Accept: accept } });

describe('Accept', () => {
  it.each([
    '*/*',
    'application/json',
    'application/*',
    '*/json',
    'application/json;q=0',
    'application/json; version=1',
    'APPLICATION/JSON',
    ' application/json ',
    'text/html, application/xhtml+xml, */*;q=0.8',
    'text/html,application/json',
    'image/png,,*/*',
  ])('%j accepts JSON', async (accept) => {
    expect(await answer(await accepting(accept))).toEqual(UNAUTHORIZED);
  });

  it.each([
    'text/html',
    '*',
    'json',
    'application/json-patch+json',
    'text/*',
    '/',
    'application/',
    ',',
    '',
  ])('%j does not accept JSON', async (accept) => {
    const response = await accepting(accept);
    expect(response.headers.get('Content-Type')).toBe('application/json');
    expect(await answer(response)).toEqual(NOT_ACCEPTABLE);
  });

  it('is checked before the token and the method', async () => {
    const token = await register(newName());
    const headers = { Authorization: `Token ${token}` };
    for (const method of ['GET', 'PUT', 'OPTIONS']) {
      const response = await accepting('text/html', '/me', { method, headers });
      expect(await answer(response)).toEqual(NOT_ACCEPTABLE);
    }
  });

  const views = ROUTES.filter(({ kind }) => kind === 'view');
  it.each(views)('that excludes JSON gets 406 at $method $path', async ({ method, path }) => {
    const init = { method, headers: { Accept: 'text/html' } };
    const response = await send(concretePath(path), init, withAllRoutes());
    expect(await answer(response)).toEqual(NOT_ACCEPTABLE);
  });

  it('that excludes JSON creates no user', async () => {
    const username = newName();
    const body = JSON.stringify({ username, password: 'correct horse' });
    const headers = { 'Content-Type': 'application/json' };
    const init = { method: 'POST', headers, body };
    expect(await answer(await accepting('text/html', '/register', init))).toEqual(NOT_ACCEPTABLE);
    const found = await env.DB.prepare('SELECT 1 FROM auth_user WHERE username = ?')
      .bind(username)
      .first();
    expect(found).toBeNull();
  });

  it.each([
    { path: '/', status: 200 },
    { path: '/health', status: 200 },
    { path: '/openapi.json', status: 200 },
    { path: '/nowhere', status: 404 },
  ])('is ignored at $path, which is not a DRF view', async ({ path, status }) => {
    expect((await accepting('text/html', path)).status).toBe(status);
  });
});

describe('?format=', () => {
  it.each(['format=json', 'format=', 'format=xml&format=json', 'information=xml'])(
    '%s gets a JSON response',
    async (query) => {
      expect(await answer(await send(`/me?${query}`))).toEqual(UNAUTHORIZED);
    },
  );

  it.each(['format=api', 'format=JSON', 'format=json&format=xml'])('%s is 404', async (query) => {
    expect(await answer(await send(`/me?${query}`))).toEqual(NOT_FOUND);
    expect(await answer(await accepting('text/html', `/me?${query}`))).toEqual(NOT_FOUND);
  });

  it('json does not override an Accept header that excludes JSON', async () => {
    expect(await answer(await accepting('text/html', '/me?format=json'))).toEqual(NOT_ACCEPTABLE);
  });
});
