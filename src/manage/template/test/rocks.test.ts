import { applyD1Migrations } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import app from '../src/index.ts';

beforeAll(() => applyD1Migrations(env.DB, env.TEST_MIGRATIONS));

async function send(method: string, path: string, token?: string, body?: object) {
  const headers = {
    'Content-Type': 'application/json',
    ...(token !== undefined && { Authorization: `Token ${token}` }),
  };
  const init = { method, headers, body: body ? JSON.stringify(body) : null };
  const response = await app.request(`http://localhost:8000${path}`, init, env);
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

async function register(username: string): Promise<string> {
  const password = 'correct horse battery staple';
  const { body } = await send('POST', '/register', undefined, { username, password });
  return body.token;
}

it('needs a token', async () => {
  expect(await send('GET', '/rocks')).toEqual({
    status: 401,
    body: { detail: 'Authentication credentials were not provided.' },
  });
});

it('lists, creates, changes and deletes the rocks of a user', async () => {
  const meg = await register('meg@ducharme.com');
  const created = await send('POST', '/rocks', meg, { name: 'Granite', weight: 2.5 });
  expect(created).toMatchObject({ status: 201, body: { name: 'Granite', weight: 2.5 } });
  const path = `/rocks/${created.body.id}`;
  const marble = { id: created.body.id, name: 'Marble', weight: 3 };
  expect(await send('PUT', path, meg, marble)).toEqual({ status: 200, body: marble });
  expect(await send('GET', '/rocks', meg)).toEqual({ status: 200, body: [marble] });
  expect((await send('DELETE', path, meg)).status).toBe(204);
  expect((await send('GET', '/rocks', meg)).body).toEqual([]);
});

it('keeps the rocks of a user from others', async () => {
  const [ann, jo] = [await register('ann'), await register('jo')];
  const granite = { name: 'Granite', weight: 2.5 };
  const { body } = await send('POST', '/rocks', ann, granite);
  const path = `/rocks/${body.id}`;
  expect((await send('GET', '/rocks', jo)).body).toEqual([]);
  expect((await send('PUT', path, jo, granite)).status).toBe(404);
  expect((await send('DELETE', path, jo)).status).toBe(404);
  expect((await send('GET', '/rocks', ann)).body).toEqual([body]);
});

it('refuses a rock without a name or a weight', async () => {
  const kim = await register('kim');
  expect(await send('POST', '/rocks', kim, { weight: 1 })).toEqual({
    status: 400,
    body: { name: ['This field may not be blank.'] },
  });
  expect(await send('POST', '/rocks', kim, { name: 'Granite', weight: 'heavy' })).toEqual({
    status: 400,
    body: { weight: ['A valid number is required.'] },
  });
});
