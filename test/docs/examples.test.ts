/** Runs the examples of docs/. pages.node.test.ts compares them with the pages. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { expect, it, onTestFinished, vi } from 'vitest';
import inThisWorker from '../fixtures/in-this-worker.ts';
import mounted from '../fixtures/mounted/src/index.ts';
import ownApi from '../fixtures/own-api/src/index.ts';
import { answer, newName, register, send, unthrottled } from '../helpers/client.ts';

const WORKERS = [
  ['mounted in another Worker', mounted],
  ['in a checkout', inThisWorker],
] as const;

it.each(WORKERS)('a route %s requires a token', async (_, worker) => {
  const username = newName();
  const token = await register(username);
  const ask = (headers: Record<string, string>) =>
    worker.request('/rocks', { headers }, unthrottled);
  expect(await answer(await ask({ Authorization: `Token ${token}` }))).toEqual({
    status: 200,
    body: { owner: username },
  });
  expect(await answer(await ask({}))).toEqual({
    status: 401,
    body: { detail: 'Authentication credentials were not provided.' },
  });
});

it.each(WORKERS)(
  'a route %s accepts requests of a browser from another origin',
  async (_, worker) => {
    const origin = 'http://localhost:5173';
    const headers = {
      Origin: origin,
      'Access-Control-Request-Method': 'GET',
      'Access-Control-Request-Headers': 'authorization',
    };
    const preflight = await worker.request('/rocks', { method: 'OPTIONS', headers }, unthrottled);
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('Access-Control-Allow-Origin')).toBe(origin);
    expect(preflight.headers.get('Access-Control-Allow-Headers')).toMatch(/authorization/i);
  },
);

it('each client logs in', async () => {
  const token = await register('meg', 'ducharme');
  vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) =>
    exports.default.fetch(input, init),
  );
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import('../fixtures/typed-client.ts');
  expect(log.mock.calls).toContainEqual([token]);
  await import('../fixtures/own-client.ts');
  expect(log.mock.calls).toContainEqual(['Hello meg']);
  await import('../fixtures/djoser-client.js');
  expect(log.mock.calls).toContainEqual([{ email: '', id: expect.any(Number), username: 'meg' }]);
  await import('../fixtures/dj-rest-auth-client.js');
  expect(log.mock.calls).toContainEqual([expect.objectContaining({ pk: expect.any(Number) })]);
  await import('../fixtures/fetch-client.js');
  expect(log.mock.calls).toContainEqual([expect.objectContaining({ username: 'meg' })]);
});

it('an app with fields, events and routes of the host registers, logs in and deletes a user', async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  await env.DB.exec(
    'CREATE TABLE profile (user_id integer PRIMARY KEY REFERENCES auth_user (id) ON DELETE CASCADE, nickname text NOT NULL UNIQUE)',
  );
  await env.DB.exec('CREATE TABLE failed_login (reason text)');
  onTestFinished(async () => {
    await env.DB.exec('DROP TABLE profile; DROP TABLE failed_login');
  });
  async function ask(method: string, path: string, body?: object, token?: string) {
    const headers = {
      'Content-Type': 'application/json',
      ...(token !== undefined && { Authorization: `Token ${token}` }),
    };
    const ctx = createExecutionContext();
    const init = { method, headers, body: body ? JSON.stringify(body) : null };
    const response = await ownApi.request(path, init, unthrottled, ctx);
    await waitOnExecutionContext(ctx);
    return response;
  }
  const [username, password, nickname] = [newName(), 'S3cret-horse', newName().slice(-20)];
  const registered = await ask('POST', '/auth/register', { username, password, nickname });
  const { token } = await registered.json<{ token: string }>();
  const me = await ask('GET', '/auth/me', undefined, token);
  expect(await me.json()).toMatchObject({ username, nickname });
  await ask('POST', '/auth/login', { username, password: 'wrong' });
  expect(await env.DB.prepare('SELECT reason FROM failed_login').first('reason')).toBe(
    'wrong-password',
  );
  const path = `/staff/users/${username}`;
  expect((await ask('DELETE', path, undefined, token)).status).toBe(403);
  await env.DB.prepare('UPDATE auth_user SET is_staff = 1 WHERE username = ?').bind(username).run();
  expect((await ask('DELETE', '/staff/users/nobody', undefined, token)).status).toBe(404);
  expect((await ask('DELETE', path, undefined, token)).status).toBe(204);
  expect((await ask('GET', '/auth/me', undefined, token)).status).toBe(401);
  expect(await env.DB.prepare('SELECT count(*) AS n FROM profile').first('n')).toBe(0);
});

it('the client of knox logs in and logs out everywhere', async () => {
  const bindings = { ...unthrottled, TOKEN_MODEL: 'knox.AuthToken' };
  await register('meg', 'ducharme', bindings);
  vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) =>
    send(new URL(String(input)).pathname, init, bindings),
  );
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import('../fixtures/knox-client.js');
  expect(log.mock.calls).toContainEqual([expect.stringMatching(/^until 2\d{3}-/)]);
  const left = env.DB.prepare('SELECT count(*) AS tokens FROM knox_authtoken');
  expect(await left.first()).toEqual({ tokens: 0 });
});
