/** Runs the examples of docs/. pages.node.test.ts compares them with the pages. */
import { env, exports } from 'cloudflare:workers';
import { expect, it, vi } from 'vitest';
import inThisWorker from '../fixtures/in-this-worker.ts';
import mounted from '../fixtures/mounted/src/index.ts';
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
