/** Another Worker (test/fixtures/rocks/) that authenticates its requests by RPC with `AuthEntrypoint`. */
import { applyD1Migrations } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import rocks from '../fixtures/rocks/src/index.ts';
import { answer, newName, register, sendAs } from '../helpers/client.ts';

const bindings = { DB: env.ROCKS_DB, AUTH: exports.AuthEntrypoint };

beforeAll(() => applyD1Migrations(env.ROCKS_DB, env.TEST_ROCKS_MIGRATIONS));

const request = (authorization: string | undefined, method: string, path: string, body?: unknown) =>
  rocks.request(
    path,
    {
      method,
      headers: {
        'Content-Type': 'application/json',
        ...(authorization !== undefined && { Authorization: authorization }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    },
    bindings,
  );

const as = (token: string, method: string, path = '/rocks', body?: unknown) =>
  request(`Token ${token}`, method, path, body);

async function addRock(token: string, name: string): Promise<{ id: number; name: string }> {
  const response = await as(token, 'POST', '/rocks', { name });
  expect(response.status).toBe(201);
  return response.json();
}

describe('/rocks of another Worker', () => {
  it.each([
    ['GET', '/rocks'],
    ['POST', '/rocks'],
    ['DELETE', '/rocks/1'],
  ])('responds to an unauthenticated %s %s with DRF’s 401', async (method, path) => {
    for (const [authorization, detail] of [
      [undefined, 'Authentication credentials were not provided.'],
      ['Bearer x', 'Authentication credentials were not provided.'],
      ['Token', 'Invalid token header. No credentials provided.'],
      ['Token a b', 'Invalid token header. Token string should not contain spaces.'],
      [`Token ${'0'.repeat(40)}`, 'Invalid token.'],
    ] as const) {
      const body = method === 'POST' ? {} : undefined;
      const response = await request(authorization, method, path, body);
      expect(response.headers.get('WWW-Authenticate')).toBe('Token');
      expect(await answer(response)).toEqual({ status: 401, body: { detail } });
    }
  });

  it('responds with 401 to a deactivated user', async () => {
    const username = newName();
    const token = await register(username);
    await env.DB.prepare('UPDATE auth_user SET is_active = 0 WHERE username = ?')
      .bind(username)
      .run();
    expect(await answer(await as(token, 'GET'))).toEqual({
      status: 401,
      body: { detail: 'User inactive or deleted.' },
    });
  });

  it('lists only the user’s own rocks, and takes the owner only from the token', async () => {
    const [meg, bo] = [await register(newName()), await register(newName())];
    const granite = await addRock(meg, 'Granite');
    const basalt = await addRock(bo, 'Basalt');
    const slate = await addRock(meg, 'Slate');
    expect(await answer(await as(meg, 'GET'))).toEqual({ status: 200, body: [granite, slate] });
    expect(await answer(await as(bo, 'GET'))).toEqual({ status: 200, body: [basalt] });
    const forged = await as(bo, 'POST', '/rocks', { name: 'Quartz', owner_id: 1 });
    expect(forged.status).toBe(201);
    expect(await answer(await as(bo, 'GET'))).toMatchObject({ body: [basalt, { name: 'Quartz' }] });
  });

  it('deletes a rock only for its owner', async () => {
    const [meg, bo] = [await register(newName()), await register(newName())];
    const { id, name } = await addRock(meg, 'Granite');
    expect(await answer(await as(bo, 'DELETE', `/rocks/${id}`))).toEqual({
      status: 404,
      body: { detail: 'Not found.' },
    });
    expect(await answer(await as(meg, 'GET'))).toEqual({ status: 200, body: [{ id, name }] });
    expect((await as(meg, 'DELETE', `/rocks/${id}`)).status).toBe(204);
    expect(await answer(await as(meg, 'GET'))).toEqual({ status: 200, body: [] });
  });

  it.each([{}, { name: '' }, { name: 1 }, [], 'Granite'])(
    'responds with 400 to %j',
    async (body) => {
      const response = await as(await register(newName()), 'POST', '/rocks', body);
      expect(response.status).toBe(400);
    },
  );

  it('responds with 401 to the next request after a logout', async () => {
    const token = await register(newName());
    expect((await as(token, 'GET')).status).toBe(200);
    expect((await sendAs(token, 'POST', '/logout')).status).toBe(204);
    expect((await as(token, 'GET')).status).toBe(401);
  });
});
