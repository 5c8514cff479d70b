/** The tokens of a user, with either model. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../../src/app.ts';
import type { Bindings } from '../../../src/services/bindings.ts';
import { eventHandlers } from '../../../src/services/events.ts';
import { storedToken } from '../../../src/store/stored-token.ts';
import { tokenIdOf } from '../../../src/store/tokens.ts';
import {
  answer,
  getAs,
  newName,
  post,
  register,
  sendAs,
  unthrottled,
} from '../../helpers/client.ts';

type Listed = {
  id: string;
  token_key: string;
  created: string;
  expiry: string | null;
  is_current: boolean;
};

const INVALID = { status: 401, body: { detail: 'Invalid token.' } };
const NOT_FOUND = { status: 404, body: { detail: 'Not found.' } };
const KNOX: Bindings = { ...unthrottled, TOKEN_MODEL: 'knox.AuthToken' };

const idOf = (token: string) => tokenIdOf(storedToken(token));

async function list(token: string, bindings: Bindings = KNOX): Promise<Listed[]> {
  const response = await getAs(token, '/tokens', bindings);
  expect(response.status).toBe(200);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  return response.json();
}

async function logIn(username: string, bindings: Bindings = KNOX): Promise<string> {
  const response = await post('/login', { username, password: 'pw' }, bindings);
  return (await response.json<{ token: string }>()).token;
}

/** A user with several tokens. */
async function withTokens(count: number, bindings: Bindings = KNOX) {
  const username = newName();
  const tokens = [await register(username, 'pw', bindings)];
  while (tokens.length < count) tokens.push(await logIn(username, bindings));
  return { username, tokens };
}

const setKnox = (token: string, column: 'created' | 'expiry', value: string | null) =>
  env.DB.prepare(`UPDATE knox_authtoken SET ${column} = ? WHERE digest = ?`)
    .bind(value, storedToken(token).digest)
    .run();

let log: string[];
beforeEach(() => {
  log = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void log.push(String(line)));
});
const events = () => log.map((line) => JSON.parse(line).event);

describe('GET /tokens', () => {
  it('lists the tokens of the user, that of the request first and then the newest', async () => {
    const { tokens } = await withTokens(3);
    await withTokens(2);
    const [oldest = '', middle = '', newest = ''] = tokens;
    await setKnox(oldest, 'created', '2026-01-01 10:00:00');
    await setKnox(middle, 'created', '2026-01-02 10:00:00.123000');
    const listed = await list(middle);
    expect(listed.map(({ id }) => id)).toEqual([middle, newest, oldest].map(idOf));
    expect(listed.map(({ is_current }) => is_current)).toEqual([true, false, false]);
    expect(listed[0]).toEqual({
      id: idOf(middle),
      token_key: middle.slice(0, 15),
      created: '2026-01-02T10:00:00.123000Z',
      expiry: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?Z$/),
      is_current: true,
    });
  });

  it('has no token that has expired, and null for one that does not expire', async () => {
    const { tokens } = await withTokens(3);
    const [used = '', expired = '', endless = ''] = tokens;
    await setKnox(expired, 'expiry', '2020-01-01 00:00:00');
    await setKnox(endless, 'expiry', null);
    const listed = await list(used);
    expect(listed.map(({ id }) => id)).toEqual([idOf(used), idOf(endless)]);
    expect(listed[1]?.expiry).toBeNull();
  });

  it('never has a whole token, even if it is short', async () => {
    const { username, tokens } = await withTokens(1);
    const short = 'abc';
    const { digest, token_key } = storedToken(short);
    await env.DB.prepare(
      `INSERT INTO knox_authtoken (digest, created, user_id, expiry, token_key)
       SELECT ?, '2026-01-01 00:00:00', id, NULL, ? FROM auth_user WHERE username = ?`,
    )
      .bind(digest, token_key, username)
      .run();
    const listed = await list(tokens[0] ?? '');
    expect(listed.map((each) => each.token_key)).toEqual([tokens[0]?.slice(0, 15), '']);
  });

  it('has the token of the request even if the user has too many to list', async () => {
    const { username, tokens } = await withTokens(1);
    const [old = ''] = tokens;
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
       INSERT INTO knox_authtoken (digest, created, user_id, expiry, token_key)
       SELECT hex(randomblob(64)), '2026-01-01 00:00:00', id, iif(i % 2, NULL, '2099-01-01 00:00:00'),
         'aaaaaaaaaaaaaaa' FROM n, auth_user WHERE username = ?`,
    )
      .bind(username)
      .run();
    const listed = await list(old);
    expect(listed.length).toBeLessThanOrEqual(101);
    expect(listed[0]).toMatchObject({ id: idOf(old), is_current: true });
  });

  it('has the one token of DRF’s model', async () => {
    const { tokens } = await withTokens(2, unthrottled);
    const [token = ''] = tokens;
    expect(await list(token, unthrottled)).toEqual([
      {
        id: idOf(token),
        token_key: token.slice(0, 15),
        created: expect.any(String),
        expiry: null,
        is_current: true,
      },
    ]);
    const aging = { ...unthrottled, TOKEN_MAX_AGE_DAYS: '30' };
    const [aged] = await list(token, aging);
    const days = (Date.parse(aged?.expiry ?? '') - Date.parse(aged?.created ?? '')) / 86_400_000;
    expect(days).toBe(30);
  });

  it('has a token of DRF beside those of knox, until it is too old', async () => {
    const username = newName();
    const plain = await register(username, 'pw');
    const token = await logIn(username);
    expect((await list(token)).map(({ id }) => id)).toEqual([token, plain].map(idOf));
    expect((await list(plain)).map(({ id }) => id)).toEqual([plain, token].map(idOf));
    await env.DB.prepare("UPDATE authtoken_token SET created = '2020-01-01 00:00:00' WHERE key = ?")
      .bind(plain)
      .run();
    const aging = { ...KNOX, TOKEN_MAX_AGE_DAYS: '30' };
    expect((await list(token, aging)).map(({ id }) => id)).toEqual([idOf(token)]);
  });
});

describe('DELETE /tokens/{id}', () => {
  const destroy = (token: string, id: string, bindings: Bindings = KNOX) =>
    sendAs(token, 'DELETE', `/tokens/${id}`, undefined, bindings);

  it('revokes only this token, and logs it', async () => {
    const { tokens } = await withTokens(3);
    const [mine = '', lost = '', third = ''] = tokens;
    log = [];
    const response = await destroy(mine, idOf(lost));
    expect(response.status).toBe(204);
    expect(await response.text()).toBe('');
    expect(events()).toEqual(['token-revoked']);
    expect(await answer(await getAs(lost, '/me', KNOX))).toEqual(INVALID);
    for (const token of [mine, third]) expect((await getAs(token, '/me', KNOX)).status).toBe(200);
    expect(await answer(await destroy(mine, idOf(lost)))).toEqual(NOT_FOUND);
  });

  it('revokes the token of the request, too', async () => {
    const { tokens } = await withTokens(1);
    const [token = ''] = tokens;
    expect((await destroy(token, idOf(token))).status).toBe(204);
    expect(await answer(await getAs(token, '/me', KNOX))).toEqual(INVALID);
  });

  it('does not find the token of another user, a part of an id, or anything else', async () => {
    const { tokens } = await withTokens(1);
    const other = await withTokens(1);
    const [token = '', theirs = ''] = [tokens[0], other.tokens[0]];
    log = [];
    const ids = [
      idOf(theirs),
      idOf(token).slice(0, 15),
      idOf(token).slice(0, 1),
      `${idOf(token)}0`,
      idOf(token).toUpperCase().replace(/^\d*$/, 'A'),
      storedToken(token).digest,
      token,
      '1',
      '%00',
    ];
    for (const id of ids) expect(await answer(await destroy(token, id))).toEqual(NOT_FOUND);
    expect(events()).toEqual([]);
    for (const each of [token, theirs]) expect((await getAs(each, '/me', KNOX)).status).toBe(200);
  });

  it('revokes the token of DRF’s model, and one that waits to be hashed', async () => {
    for (const bindings of [unthrottled, KNOX]) {
      const username = newName();
      const plain = await register(username, 'pw');
      const token = bindings === KNOX ? await logIn(username) : plain;
      expect((await destroy(token, idOf(plain), bindings)).status).toBe(204);
      expect(await answer(await getAs(plain, '/me', bindings))).toEqual(INVALID);
    }
  });

  it('revokes a token that is in both tables', async () => {
    const username = newName();
    const plain = await register(username, 'pw');
    const token = await logIn(username);
    const { digest, token_key } = storedToken(plain);
    await env.DB.prepare(
      `INSERT INTO knox_authtoken (digest, created, user_id, expiry, token_key)
       SELECT ?, created, user_id, NULL, ? FROM authtoken_token WHERE key = ?`,
    )
      .bind(digest, token_key, plain)
      .run();
    expect((await list(token)).map(({ id }) => id).sort()).toEqual([token, plain].map(idOf).sort());
    expect((await destroy(token, idOf(plain))).status).toBe(204);
    expect(await answer(await getAs(plain, '/me', KNOX))).toEqual(INVALID);
  });
});

describe('POST /logoutall', () => {
  it('revokes all tokens of the user and of no other user, and logs it', async () => {
    const { username, tokens } = await withTokens(3);
    const other = await withTokens(1);
    log = [];
    const response = await sendAs(tokens[1] ?? '', 'POST', '/logoutall', undefined, KNOX);
    expect(response.status).toBe(204);
    expect(await response.text()).toBe('');
    expect(events()).toEqual(['logged-out-everywhere']);
    for (const token of tokens) {
      expect(await answer(await getAs(token, '/me', KNOX))).toEqual(INVALID);
    }
    expect((await getAs(other.tokens[0] ?? '', '/me', KNOX)).status).toBe(200);
    expect((await getAs(await logIn(username), '/me', KNOX)).status).toBe(200);
  });

  it('revokes the token of DRF’s model, and tokens of both models', async () => {
    for (const bindings of [unthrottled, KNOX]) {
      const username = newName();
      const plain = await register(username, 'pw');
      const token = bindings === KNOX ? await logIn(username) : plain;
      expect((await sendAs(plain, 'POST', '/logoutall', undefined, bindings)).status).toBe(204);
      for (const each of [plain, token]) {
        expect(await answer(await getAs(each, '/me', bindings))).toEqual(INVALID);
      }
    }
  });
});

it('calls the handlers of the host', async () => {
  const handled: string[] = [];
  const auth = createApp({
    events: eventHandlers({
      token_revoked: ({ user_id }) => void handled.push(`token_revoked ${user_id}`),
      user_logged_out: ({ user_id }) => void handled.push(`user_logged_out ${user_id}`),
    }),
  });
  const { username, tokens } = await withTokens(2);
  const [token = '', other = ''] = tokens;
  const user_id = await env.DB.prepare('SELECT id FROM auth_user WHERE username = ?')
    .bind(username)
    .first<number>('id');
  const headers = { Authorization: `Token ${token}` };
  for (const [method, path] of [
    ['DELETE', `/tokens/${idOf(other)}`],
    ['POST', '/logoutall'],
  ]) {
    const ctx = createExecutionContext();
    const response = await auth.request(`${path}`, { method: `${method}`, headers }, KNOX, ctx);
    expect(response.status).toBe(204);
    await waitOnExecutionContext(ctx);
  }
  expect(handled).toEqual([`token_revoked ${user_id}`, `user_logged_out ${user_id}`]);
});

it.each(['GET /tokens', 'DELETE /tokens/0123456789abcdef', 'POST /logoutall'])(
  '%s needs a token',
  async (route) => {
    const [method = '', path = ''] = route.split(' ');
    expect(await answer(await sendAs('nothing', method, path))).toEqual(INVALID);
  },
);
