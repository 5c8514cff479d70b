/** The routes of knox, beyond its recorded cases. */
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import type { Bindings } from '../../../src/services/bindings.ts';
import {
  answer,
  getAs,
  newName,
  post,
  rateLimits,
  register,
  send,
  sendAs,
  unthrottled,
} from '../../helpers/client.ts';
import { linkFor, withMailbox } from '../../helpers/mailbox.ts';
import { untilRoomInMinute } from '../../helpers/until-room-in-minute.ts';

const KNOX = { TOKEN_MODEL: 'knox.AuthToken' };
const knox: Bindings = { ...unthrottled, ...KNOX };

const KNOX_TOKEN = expect.stringMatching(/^[0-9a-f]{64}$/);
const MOMENT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?Z$/);

const REFUSED = { status: 401, body: { detail: 'Invalid username/password.' } };
const NOT_BASE64 = {
  status: 401,
  body: {
    detail: 'Invalid basic header. Credentials not correctly base64 encoded.',
  },
};

const logIn = (body: object, bindings = knox) => post('/knox/login/', body, bindings);

/** Sends an Authorization header only. */
const logInBy = (authorization: string, bindings = knox) =>
  send('/knox/login/', { method: 'POST', headers: { Authorization: authorization } }, bindings);

const basic = (bytes: Uint8Array) => `Basic ${bytes.toBase64()}`;
const basicOf = (username: string, password: string) =>
  basic(new TextEncoder().encode(`${username}:${password}`));

const lastLoginOf = (username: string) =>
  env.DB.prepare('SELECT last_login FROM auth_user WHERE username = ?')
    .bind(username)
    .first<string | null>('last_login');

const countTokens = (username: string) =>
  env.DB.prepare(
    `SELECT (SELECT count(*) FROM knox_authtoken WHERE user_id = id)
          + (SELECT count(*) FROM authtoken_token WHERE user_id = id) AS tokens
       FROM auth_user WHERE username = ?`,
  )
    .bind(username)
    .first<number>('tokens');

describe('a login', () => {
  it('has a response that must not be cached', async () => {
    const username = newName();
    await register(username, 'pw', knox);
    for (const response of [
      await logIn({ username, password: 'pw' }),
      await logInBy(basicOf(username, 'pw')),
    ]) {
      expect(response.headers.get('Cache-Control')).toBe('no-store');
      expect(await answer(response)).toEqual({
        status: 200,
        body: { expiry: MOMENT, token: KNOX_TOKEN },
      });
    }
  });

  it('sets the last login, so that a link from before it is not valid any more', async () => {
    const username = newName();
    await register(username, 'pw', knox);
    expect(await lastLoginOf(username)).toBeNull();
    const link = await linkFor(username);
    await logIn({ username, password: 'pw' });
    expect(await lastLoginOf(username)).toMatch(/^2/);
    const { bindings } = withMailbox(KNOX);
    const body = { ...link, new_password: 'another pw' };
    expect((await post('/users/reset_password_confirm', body, bindings)).status).toBe(400);
  });

  it('shows when the token expires, or null', async () => {
    const username = newName();
    await register(username, 'pw', knox);
    const expiryOf = async (vars: Partial<Bindings>) => {
      const response = await logIn({ username, password: 'pw' }, { ...knox, ...vars });
      return (await response.json<{ expiry: string | null }>()).expiry;
    };
    const minute = Date.parse((await expiryOf({ TOKEN_TTL: '60' })) ?? '') - Date.now();
    expect(Math.abs(minute - 60_000)).toBeLessThan(10_000);
    expect(await expiryOf({ TOKEN_TTL: 'none' })).toBeNull();
  });

  it('is refused for the tokens of DRF that are no longer valid, and accepts valid ones', async () => {
    const username = newName();
    const plain = await register(username, 'pw');
    const body = JSON.stringify({ username, password: 'pw' });
    const logInWith = (token: string) => {
      const headers = { 'Content-Type': 'application/json', Authorization: `Token ${token}` };
      return send('/knox/login/', { method: 'POST', headers, body }, knox);
    };
    expect((await logInWith(plain)).status).toBe(200);
    await env.DB.prepare('DELETE FROM authtoken_token WHERE key = ?').bind(plain).run();
    expect(await answer(await logInWith(plain))).toEqual({
      status: 401,
      body: { detail: 'Invalid token.' },
    });
  });
});

describe('a login by Basic', () => {
  it.each([
    ['a name beyond ASCII', 'Zoë', 'pw'],
    ['a password with colons', '', 'p:w:'],
    ['a password with spaces at its ends', '', ' pw '],
    ['a password beyond ASCII', '', 'пароль'],
  ])('accepts %s', async (_, start, password) => {
    const username = start + newName();
    await register(username, password, knox);
    expect((await logInBy(basicOf(username, password))).status).toBe(200);
  });

  it('reads bytes that are not UTF-8 as Latin-1', async () => {
    const username = newName();
    await register(username, 'caf\u00e9', knox);
    const latin1 = Uint8Array.from(`${username}:caf\u00e9`, (character) => character.charCodeAt(0));
    expect((await logInBy(basic(latin1))).status).toBe(200);
  });

  it('accepts the scheme in any case, between any white space', async () => {
    const username = newName();
    await register(username, 'pw', knox);
    const encoded = basicOf(username, 'pw').slice('Basic '.length);
    for (const header of [`basic ${encoded}`, `BASIC \t ${encoded} `]) {
      expect((await logInBy(header)).status).toBe(200);
    }
  });

  it.each([
    ['not base64', 'Basic !!!!'],
    ['a text without a colon', basic(new TextEncoder().encode('meg'))],
    ['no text', `Basic ${btoa('')}=`],
    ['half an encoded byte', 'Basic a'],
  ])('refuses %s', async (_, header) => {
    const response = await logInBy(header);
    expect(response.headers.get('WWW-Authenticate')).toBe('Basic realm="api"');
    expect(await answer(response)).toEqual(NOT_BASE64);
  });

  it.each([
    ['no name', '', 'pw'],
    ['no password', 'meg', ''],
    ['neither', '', ''],
    ['a null character', 'm\0g', 'pw'],
    ['a very long name', 'm'.repeat(10_000), 'pw'],
    ['a very long password', 'meg', 'p'.repeat(10_000)],
  ])('refuses %s', async (_, username, password) => {
    expect(await answer(await logInBy(basicOf(username, password)))).toEqual(REFUSED);
  });

  it('does not read the body', async () => {
    const isRead = vi.fn();
    const body = new ReadableStream({ pull: isRead }, { highWaterMark: 0 });
    const headers = { Authorization: basicOf(newName(), 'pw') };
    const response = await send('/knox/login', { method: 'POST', headers, body }, knox);
    expect(await answer(response)).toEqual(REFUSED);
    expect(isRead).not.toHaveBeenCalled();
  });

  it('hashes for an unknown user as for a known one, and answers the same', async () => {
    const [username, inactive] = [newName(), newName()];
    await register(username, 'pw', knox);
    await register(inactive, 'pw', knox);
    await env.DB.prepare('UPDATE auth_user SET is_active = 0 WHERE username = ?')
      .bind(inactive)
      .run();
    const deriveBits = vi.spyOn(crypto.subtle, 'deriveBits');
    const responses = [];
    for (const header of [
      basicOf(username, 'wrong'),
      basicOf(newName(), 'pw'),
      basicOf(inactive, 'pw'),
    ]) {
      deriveBits.mockClear();
      const response = await logInBy(header);
      const { length } = deriveBits.mock.calls;
      responses.push({
        hashes: length,
        headers: [...response.headers],
        ...(await answer(response)),
      });
    }
    expect(responses[0]).toMatchObject({ hashes: 1, ...REFUSED });
    expect(responses[1]).toEqual(responses[0]);
    expect(responses[2]).toEqual(responses[0]);
  });

  it('counts with the logins by a body', async () => {
    await untilRoomInMinute();
    const username = newName();
    const throttling = { ...knox, ...rateLimits, RATE_LIMIT_COUNTER: undefined };
    const from = { 'CF-Connecting-IP': '203.0.113.7' };
    const attempt = async (headers: Record<string, string>, body: object = {}) => {
      const init = { method: 'POST', headers: { ...from, ...headers }, body: JSON.stringify(body) };
      return (await send('/knox/login/', init, throttling)).status;
    };
    const byBasic = () => attempt({ Authorization: basicOf(username, 'no') });
    for (let i = 0; i < 10; i++) expect(await byBasic()).toBe(401);
    expect(await byBasic()).toBe(429);
    const json = { 'Content-Type': 'application/json' };
    expect(await attempt(json, { username, password: 'no' })).toBe(429);
  });

  it('is in the log as each login, without the password', async () => {
    const username = newName();
    await register(username, 'the-pass-word', knox);
    const log = vi.spyOn(console, 'log').mockReturnValue();
    await logInBy(basicOf(username, 'the-pass-word'));
    await logInBy(basicOf(username, 'the-pass-wort'));
    const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)));
    expect(lines).toMatchObject([
      { event: 'login-succeeded', user_id: expect.any(Number) },
      { event: 'login-failed', reason: 'wrong-password', user_id: expect.any(Number) },
    ]);
    expect(JSON.stringify(lines)).not.toContain('the-pass');
  });

  it('is 403 at the limit', async () => {
    const username = newName();
    const limited = { ...knox, TOKEN_LIMIT_PER_USER: '1' };
    await register(username, 'pw', limited);
    expect(await answer(await logInBy(basicOf(username, 'pw'), limited))).toEqual({
      status: 403,
      body: { error: 'Maximum amount of tokens allowed per user exceeded.' },
    });
    expect(await answer(await logInBy(basicOf(username, 'no'), limited))).toEqual(REFUSED);
  });
});

describe('logoutall', () => {
  it('deletes the tokens of both models, and is logged', async () => {
    const username = newName();
    const plain = await register(username, 'pw');
    await logIn({ username, password: 'pw' });
    const { token } = await (await logIn({ username, password: 'pw' })).json<{ token: string }>();
    expect(await countTokens(username)).toBe(3);
    const log = vi.spyOn(console, 'log').mockReturnValue();
    expect((await sendAs(plain, 'POST', '/knox/logoutall', undefined, knox)).status).toBe(204);
    expect(log.mock.calls.map(([line]) => JSON.parse(String(line)))).toMatchObject([
      { event: 'logged-out-everywhere', user_id: expect.any(Number) },
    ]);
    expect(await countTokens(username)).toBe(0);
    for (const each of [plain, token]) expect((await getAs(each, '/me', knox)).status).toBe(401);
  });

  it('ends cached sessions of this isolate, too', async () => {
    const cached = { ...knox, TOKEN_CACHE_SECONDS: '60' };
    const username = newName();
    const first = await register(username, 'pw', cached);
    const second = await register(newName(), 'pw', cached);
    const { token } = await (await logIn({ username, password: 'pw' }, cached)).json<{
      token: string;
    }>();
    for (const each of [first, second, token]) await getAs(each, '/me', cached);
    await sendAs(token, 'POST', '/knox/logoutall', undefined, cached);
    const statuses = [first, token, second].map(
      async (each) => (await getAs(each, '/me', cached)).status,
    );
    expect(await Promise.all(statuses)).toEqual([401, 401, 200]);
  });
});

describe('a registration', () => {
  it('responds as the login does', async () => {
    const username = newName();
    const withUser = { ...knox, USER_SERIALIZER: 'knox.serializers.UserSerializer' };
    const body = { username, password: 'pw', email: 'meg@example.com' };
    const response = await post('/knox/register/', body, withUser);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    const { status, body: registered } = await answer(response);
    expect(status).toBe(201);
    expect(registered).toEqual({ expiry: MOMENT, token: KNOX_TOKEN, user: { username } });
    const login = await answer(await logIn({ username, password: 'pw' }, withUser));
    expect(login.body).toEqual({ expiry: MOMENT, token: KNOX_TOKEN, user: { username } });
  });

  it('has the status of REGISTER_STATUS', async () => {
    const body = { username: newName(), password: 'pw' };
    const response = await post('/knox/register/', body, { ...knox, REGISTER_STATUS: '200' });
    expect(response.status).toBe(200);
  });

  it('gives no token before the address is verified', async () => {
    const { bindings, mails } = withMailbox({ ...KNOX, EMAIL_VERIFICATION: 'required' });
    const username = newName();
    const body = { username, password: 'pw', email: `${username}@example.com` };
    expect(await answer(await post('/knox/register/', body, bindings))).toEqual({
      status: 201,
      body: { detail: 'Verification e-mail sent.' },
    });
    expect(mails).toHaveLength(1);
    expect(await countTokens(username)).toBe(0);
    expect((await logIn({ username, password: 'pw' }, bindings)).status).toBe(400);
  });
});

it('the user of the token is that of /me, and must not be cached', async () => {
  const token = await register(newName(), 'pw', knox);
  const response = await getAs(token, '/knox/user/', knox);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  expect(await answer(response)).toEqual(await answer(await getAs(token, '/me', knox)));
});
