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

const PASSWORD = 'correct horse battery staple';

async function register(username: string): Promise<string> {
  const account = { username, password: PASSWORD };
  const { body } = await send('POST', '/register', undefined, account);
  return body.token;
}

it('needs a token', async () => {
  expect(await send('GET', '/rocks')).toEqual({
    status: 401,
    body: { detail: 'Authentication credentials were not provided.' },
  });
});

it('answers an unknown path as the API does', async () => {
  const ann = await register('unknown-path');
  const notFound = { status: 404, body: { detail: 'Not found.' } };
  expect(await send('GET', '/nothing')).toEqual(notFound);
  expect(await send('GET', '/rocks/granite', ann)).toEqual(notFound);
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

it.each([
  [{ weight: 1 }, { name: ['This field may not be blank.'] }],
  [
    { name: 'Granite'.repeat(15), weight: 1 },
    { name: ['Ensure this field has no more than 100 characters.'] },
  ],
  [{ name: 'Granite', weight: 'heavy' }, { weight: ['A valid number is required.'] }],
])('refuses %j', async (rock, body) => {
  const kim = await register(`kim${crypto.randomUUID()}`);
  expect(await send('POST', '/rocks', kim, rock)).toEqual({ status: 400, body });
  expect((await send('GET', '/rocks', kim)).body).toEqual([]);
});

it('deletes the rocks of a user with the user', async () => {
  const lee = await register('lee');
  await send('POST', '/rocks', lee, { name: 'Obsidian', weight: 2.5 });
  const confirmation = { current_password: PASSWORD };
  expect((await send('DELETE', '/me', lee, confirmation)).status).toBe(204);
  const { results } = await env.DB.prepare("SELECT id FROM rock WHERE name = 'Obsidian'").all();
  expect(results).toEqual([]);
});
