/** `TOKEN_MODEL = "knox.AuthToken"` over the routes: what is stored, what revokes, expiry, limit, races. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Bindings } from '../../src/services/bindings.ts';
import { answer, getAs, newName, post, register, sendAs, unthrottled } from '../helpers/client.ts';
import { interceptD1 } from '../helpers/intercept-d1.ts';

const INVALID = { status: 401, body: { detail: 'Invalid token.' } };
const KNOX_TOKEN = /^[0-9a-f]{64}$/;

/** The bindings of a Worker with knox's model. Each call makes another environment. */
const knox = (vars: Partial<Bindings> = {}): Bindings => ({
  ...unthrottled,
  TOKEN_MODEL: 'knox.AuthToken',
  ...vars,
});

async function logIn(username: string, bindings: Bindings, password = 'pw'): Promise<string> {
  const response = await post('/login', { username, password }, bindings);
  expect(response.status).toBe(200);
  return (await response.json<{ token: string }>()).token;
}

const rowsOf = async (username: string) =>
  (
    await env.DB.prepare(
      'SELECT token.* FROM knox_authtoken AS token JOIN auth_user ON id = user_id WHERE username = ?',
    )
      .bind(username)
      .all<{ digest: string; token_key: string; created: string; expiry: string | null }>()
  ).results;

const setExpiry = (token: string, expiry: string | null) =>
  env.DB.prepare('UPDATE knox_authtoken SET expiry = ? WHERE token_key = ?')
    .bind(expiry, token.slice(0, 15))
    .run();

const statusOf = async (token: string, bindings: Bindings) =>
  (await getAs(token, '/me', bindings)).status;

const hexOf = (bytes: ArrayBuffer) =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

describe('a token', () => {
  it('is new for each login, and stored as its SHA-512 and its first 15 characters only', async () => {
    const [username, bindings] = [newName(), knox()];
    const tokens = [await register(username, 'pw', bindings), await logIn(username, bindings)];
    expect(new Set(tokens).size).toBe(2);
    const rows = await rowsOf(username);
    expect(rows).toHaveLength(2);
    for (const token of tokens) {
      expect(token).toMatch(KNOX_TOKEN);
      expect(await statusOf(token, bindings)).toBe(200);
      const digest = hexOf(await crypto.subtle.digest('SHA-512', new TextEncoder().encode(token)));
      const row = rows.find((each) => each.digest === digest);
      expect(row?.token_key).toBe(token.slice(0, 15));
      const lifetime = Date.parse(`${row?.expiry}Z`) - Date.parse(`${row?.created}Z`);
      expect(lifetime).toBe(36_000_000);
    }
    const { count } = (await env.DB.prepare(
      'SELECT count(*) AS count FROM authtoken_token JOIN auth_user ON id = user_id WHERE username = ?',
    )
      .bind(username)
      .first<{ count: number }>()) ?? { count: undefined };
    expect(count).toBe(0);
  });

  it('is not found by its start, in upper case, or by its digest', async () => {
    const [username, bindings] = [newName(), knox()];
    const token = await register(username, 'pw', bindings);
    const [row] = await rowsOf(username);
    for (const wrong of [token.slice(0, 15), token.toUpperCase(), `${token}0`, row?.digest ?? '']) {
      expect(await answer(await getAs(wrong, '/me', bindings))).toEqual(INVALID);
    }
  });

  it('starts with TOKEN_PREFIX, and never expires with TOKEN_TTL = "none"', async () => {
    const [username, bindings] = [newName(), knox({ TOKEN_PREFIX: 'knx_', TOKEN_TTL: 'none' })];
    const token = await register(username, 'pw', bindings);
    expect(token).toMatch(/^knx_[0-9a-f]{64}$/);
    expect(await rowsOf(username)).toMatchObject([{ token_key: token.slice(0, 15), expiry: null }]);
    expect(await statusOf(token, bindings)).toBe(200);
  });

  it('of DRF is accepted too, until it is revoked', async () => {
    const username = newName();
    const bindings = knox();
    const plain = await register(username, 'pw');
    expect(await statusOf(plain, bindings)).toBe(200);
    expect((await sendAs(plain, 'POST', '/logout', {}, bindings)).status).toBe(204);
    expect(await answer(await getAs(plain, '/me', bindings))).toEqual(INVALID);
  });

  it('is not accepted by the default model', async () => {
    const token = await register(newName(), 'pw', knox());
    expect(await answer(await getAs(token))).toEqual(INVALID);
  });

  it('is authenticated by one query that reads two rows and writes none', async () => {
    const username = newName();
    for (let i = 0; i < 20; i++) await register(newName(), 'pw', knox());
    const token = await register(username, 'pw', knox());
    const metas: { rows_read: number; rows_written: number }[] = [];
    const DB = interceptD1(env.DB, {
      async around({ sql }) {
        const [row] = await rowsOf(username);
        const { meta, results } = await env.DB.prepare(sql.join())
          .bind(row?.digest, row?.token_key, token)
          .all();
        metas.push({ rows_read: meta.rows_read, rows_written: meta.rows_written });
        return results.map(Object.values);
      },
    });
    await getAs(token, '/me', knox({ DB }));
    expect(metas).toEqual([{ rows_read: 2, rows_written: 0 }]);
  });
});

describe('revocation', () => {
  it('by a logout revokes only the token of the request', async () => {
    const [username, bindings] = [newName(), knox()];
    const [one, other] = [
      await register(username, 'pw', bindings),
      await logIn(username, bindings),
    ];
    expect((await sendAs(one, 'POST', '/logout', {}, bindings)).status).toBe(204);
    expect(await answer(await getAs(one, '/me', bindings))).toEqual(INVALID);
    expect(await statusOf(other, bindings)).toBe(200);
  });

  it('by a new password revokes all tokens of both models', async () => {
    const [username, bindings] = [newName(), knox()];
    const tokens = [await register(username, 'pw'), await logIn(username, bindings)];
    const body = { current_password: 'pw', new_password: 'new' };
    const changed = await sendAs(tokens[1] ?? '', 'POST', '/password', body, bindings);
    const { token } = await changed.json<{ token: string }>();
    expect(token).toMatch(KNOX_TOKEN);
    for (const old of tokens) {
      expect(await answer(await getAs(old, '/me', bindings))).toEqual(INVALID);
    }
    expect(await statusOf(token, bindings)).toBe(200);
    expect(await rowsOf(username)).toHaveLength(1);
  });

  it('by a new password over the default model lets no token of knox come back', async () => {
    const [username, bindings] = [newName(), knox()];
    const plain = await register(username, 'pw');
    const token = await logIn(username, bindings);
    const body = { current_password: 'pw', new_password: 'new' };
    expect((await sendAs(plain, 'POST', '/password', body)).status).toBe(200);
    expect(await answer(await getAs(token, '/me', bindings))).toEqual(INVALID);
  });

  it('by a deletion deletes the user and all tokens', async () => {
    const [username, bindings] = [newName(), knox()];
    const token = await register(username, 'pw', bindings);
    await logIn(username, bindings);
    const body = { current_password: 'pw' };
    expect((await sendAs(token, 'DELETE', '/me', body, bindings)).status).toBe(204);
    const { results } = await env.DB.prepare(
      'SELECT 1 FROM knox_authtoken WHERE user_id NOT IN (SELECT id FROM auth_user)',
    ).all();
    expect(results).toEqual([]);
    expect(await answer(await getAs(token, '/me', bindings))).toEqual(INVALID);
  });
});

describe('expiry', () => {
  it('makes a token unknown, and deletes it after the response to its use', async () => {
    const [username, bindings] = [newName(), knox()];
    const token = await register(username, 'pw', bindings);
    await setExpiry(token, '2020-01-01 00:00:00');
    expect(await answer(await getAs(token, '/me', bindings))).toEqual(INVALID);
    expect(await rowsOf(username)).toEqual([]);
  });

  it('is set anew with AUTO_REFRESH, by at most one write in its interval', async () => {
    const [username, bindings] = [newName(), knox({ AUTO_REFRESH: 'true' })];
    const token = await register(username, 'pw', bindings);
    const soon = new Date(Date.now() + 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
    await setExpiry(token, soon);
    await Promise.all([1, 2, 3].map(() => getAs(token, '/me', bindings)));
    const [renewed] = await rowsOf(username);
    expect(Date.parse(`${renewed?.expiry}Z`)).toBeGreaterThan(Date.now() + 35_000_000);
    expect(await statusOf(token, bindings)).toBe(200);
    expect(await rowsOf(username)).toEqual([renewed]);
  });

  it('is not set anew without AUTO_REFRESH, nor beyond AUTO_REFRESH_MAX_TTL', async () => {
    const soon = new Date(Date.now() + 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
    for (const vars of [{}, { AUTO_REFRESH: 'true', AUTO_REFRESH_MAX_TTL: '3600' }]) {
      const [username, bindings] = [newName(), knox(vars)];
      const token = await register(username, 'pw', bindings);
      await setExpiry(token, soon);
      expect(await statusOf(token, bindings)).toBe(200);
      expect(await rowsOf(username)).toMatchObject([{ expiry: soon }]);
    }
  });

  it('does not bring a token back that is deleted while its refresh waits', async () => {
    const username = newName();
    const token = await register(username, 'pw', knox());
    await setExpiry(
      token,
      new Date(Date.now() + 60_000).toISOString().slice(0, 19).replace('T', ' '),
    );
    const DB = interceptD1(env.DB, {
      async around({ sql, run }) {
        if (sql.join().startsWith('update knox_authtoken')) {
          await env.DB.prepare('DELETE FROM knox_authtoken WHERE token_key = ?')
            .bind(token.slice(0, 15))
            .run();
        }
        return run();
      },
    });
    const bindings = knox({ DB, AUTO_REFRESH: 'true' });
    expect(await statusOf(token, bindings)).toBe(200);
    expect(await rowsOf(username)).toEqual([]);
    expect(await answer(await getAs(token, '/me', bindings))).toEqual(INVALID);
  });
});

describe('TOKEN_LIMIT_PER_USER', () => {
  const EXCEEDED = {
    status: 403,
    body: { error: 'Maximum amount of tokens allowed per user exceeded.' },
  };

  it('refuses a login at the limit. Expired tokens do not count, and a wrong password comes first', async () => {
    const [username, bindings] = [newName(), knox({ TOKEN_LIMIT_PER_USER: '2' })];
    const token = await register(username, 'pw', bindings);
    await logIn(username, bindings);
    const login = { username, password: 'pw' };
    expect(await answer(await post('/login', login, bindings))).toEqual(EXCEEDED);
    const wrong = await post('/login', { username, password: 'wrong' }, bindings);
    expect(wrong.status).toBe(401);
    await setExpiry(token, '2020-01-01 00:00:00');
    await logIn(username, bindings);
    expect(await answer(await post('/login', login, bindings))).toEqual(EXCEEDED);
  });

  it('holds for logins at the same time', async () => {
    const [username, bindings] = [newName(), knox({ TOKEN_LIMIT_PER_USER: '3' })];
    await register(username, 'pw', bindings);
    const logins = Array.from({ length: 6 }, () =>
      post('/login', { username, password: 'pw' }, bindings),
    );
    const statuses = (await Promise.all(logins)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 403, 403, 403, 403]);
    expect(await rowsOf(username)).toHaveLength(3);
  });
});

it('refuses a login whose password is changed while it is checked', async () => {
  const username = newName();
  const token = await register(username, 'old', knox());
  let isChanged = false;
  const DB = interceptD1(env.DB, {
    async around({ run }) {
      const result = await run();
      if (!isChanged) {
        isChanged = true;
        const body = { current_password: 'old', new_password: 'new' };
        expect((await sendAs(token, 'POST', '/password', body, knox())).status).toBe(200);
      }
      return result;
    },
  });
  const response = await post('/login', { username, password: 'old' }, knox({ DB }));
  expect(response.status).toBe(401);
  expect(await rowsOf(username)).toHaveLength(1);
});

it('revokes a cached token at once', async () => {
  const [username, bindings] = [newName(), knox({ TOKEN_CACHE_SECONDS: '60' })];
  const token = await register(username, 'pw', bindings);
  expect(await statusOf(token, bindings)).toBe(200);
  expect((await sendAs(token, 'POST', '/logout', {}, bindings)).status).toBe(204);
  expect(await answer(await getAs(token, '/me', bindings))).toEqual(INVALID);
});
