/** Throttling, on the real Rate Limiting bindings. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bindings } from '../../src/bindings.ts';
import { answer, newName, post, register, send, sendAs, unthrottled } from '../helpers/client.ts';
import { untilRoomInMinute } from '../helpers/until-room-in-minute.ts';

const LIMIT = 10;

const THROTTLED = {
  status: 429,
  body: { detail: 'Request was throttled. Expected available in 60 seconds.' },
};

/** From an address that no other test uses: limits are kept across tests. */
let from: string;
let addresses = 0;
beforeEach(async () => {
  from = `192.0.2.${++addresses}`;
  await untilRoomInMinute();
});

const attempt = (path: string, body: unknown, headers = {}, bindings: Bindings = env) =>
  send(
    path,
    {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': from, ...headers },
      body: JSON.stringify(body),
    },
    bindings,
  );

describe.each(['/login', '/api-token-auth'])('POST %s', (path) => {
  it('is throttled from the eleventh attempt at a name, right or wrong, before any hashing', async () => {
    const username = newName();
    await register(username, 'pw');
    for (let i = 0; i < LIMIT; i++) {
      expect((await attempt(path, { username, password: 'no' })).status).not.toBe(429);
    }
    const deriveBits = vi.spyOn(crypto.subtle, 'deriveBits');
    const response = await attempt(
      path,
      { username, password: 'pw' },
      { Origin: 'http://localhost:5173' },
    );
    expect(response.headers.get('Retry-After')).toBe('60');
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('http://localhost:5173');
    expect(response.headers.get('Access-Control-Expose-Headers')).toContain('Retry-After');
    expect(await answer(response)).toEqual(THROTTLED);
    expect(deriveBits).not.toHaveBeenCalled();
  });

  it('counts a name in its normal form, so that other spellings give no more attempts', async () => {
    const username = newName();
    for (let i = 0; i < LIMIT; i++) await attempt(path, { username, password: 'no' });
    const fullwidth = username.replace('u', '\uFF55');
    expect(
      await answer(await attempt(path, { username: ` ${fullwidth}`, password: 'no' })),
    ).toEqual(THROTTLED);
  });

  it('lets other names and other addresses in', async () => {
    const [username, other] = [newName(), newName()];
    await register(username, 'pw');
    await register(other, 'pw');
    for (let i = 0; i <= LIMIT; i++) await attempt(path, { username, password: 'no' });
    expect((await attempt(path, { username: other, password: 'pw' })).status).toBe(200);
    from = `198.51.100.${addresses}`;
    expect((await attempt(path, { username, password: 'pw' })).status).toBe(200);
  });

  it('does not believe X-Forwarded-For', async () => {
    const username = newName();
    for (let i = 0; i < LIMIT; i++) {
      await attempt(path, { username, password: 'no' }, { 'X-Forwarded-For': `203.0.113.${i}` });
    }
    const headers = { 'X-Forwarded-For': '203.0.113.99' };
    expect((await attempt(path, { username, password: 'no' }, headers)).status).toBe(429);
  });
});

describe('guesses from one address at a hundred names', () => {
  const ADDRESS_LIMIT = 100;
  const guesses = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const guess = await attempt('/login', { username: newName(), password: 'no' });
      expect(guess.status).toBe(401);
    }
  };

  it.each([
    { path: '/login', body: () => ({ username: newName(), password: 'no' }) },
    { path: '/api-token-auth', body: () => ({ username: newName(), password: 'no' }) },
  ])('leave none over for POST $path, and nothing is hashed', async ({ path, body }) => {
    await guesses(ADDRESS_LIMIT);
    const deriveBits = vi.spyOn(crypto.subtle, 'deriveBits');
    const response = await attempt(path, body());
    expect(response.headers.get('Retry-After')).toBe('60');
    expect(await answer(response)).toEqual(THROTTLED);
    expect(deriveBits).not.toHaveBeenCalled();
  });

  it.each([
    { method: 'POST', path: '/password', body: { current_password: 'pw', new_password: 'x' } },
    { method: 'DELETE', path: '/me', body: { current_password: 'pw' } },
    { method: 'PATCH', path: '/me', body: { current_password: 'pw', email: 'new@example.com' } },
  ])('leave none over for $method $path', async ({ method, path, body }) => {
    const token = await register(newName(), 'pw');
    await guesses(ADDRESS_LIMIT);
    const headers = {
      'Content-Type': 'application/json',
      'CF-Connecting-IP': from,
      Authorization: `Token ${token}`,
    };
    const response = await send(path, { method, headers, body: JSON.stringify(body) }, env);
    expect(await answer(response)).toEqual(THROTTLED);
  });

  it('do not hinder ten names from ten other addresses', async () => {
    await guesses(ADDRESS_LIMIT);
    for (let i = 0; i < 10; i++) {
      from = `203.0.113.${addresses * 10 + i}`;
      const username = newName();
      await register(username, 'pw');
      expect((await attempt('/login', { username, password: 'pw' })).status).toBe(200);
    }
  });
});

it.each([
  { method: 'POST', path: '/password', body: { current_password: 'no', new_password: 'x' } },
  { method: 'DELETE', path: '/me', body: { current_password: 'no' } },
  { method: 'PATCH', path: '/me', body: { current_password: 'no', email: 'new@example.com' } },
])('$method $path counts as an attempt at the user’s password', async ({ method, path, body }) => {
  const username = newName();
  const token = await register(username, 'pw');
  for (let i = 0; i < LIMIT; i++) {
    expect((await sendAs(token, method, path, body, env)).status).toBe(400);
  }
  expect(await answer(await sendAs(token, method, path, body, env))).toEqual(THROTTLED);
});

it('POST /register lets sixty users of one address in, a classroom, and then no more', async () => {
  for (let i = 0; i < 60; i++) {
    expect((await attempt('/register', { username: newName(), password: 'pw' })).status).toBe(201);
  }
  const response = await attempt('/register', { username: newName(), password: 'pw' });
  expect(response.headers.get('Retry-After')).toBe('60');
  expect(await answer(response)).toEqual(THROTTLED);
});

describe('messages and links', () => {
  const MAIL_LIMIT = 5;
  const MAIL_ADDRESS_LIMIT = 30;
  const ask = (email: string) => attempt('/users/reset_password', { email });
  let tokens = 0;
  const confirm = (uid: string) =>
    attempt('/users/reset_password_confirm', { uid, token: `${++tokens}`, new_password: 'pw' });
  const verifying = { ...env, EMAIL_VERIFICATION: 'required' };

  it('are so many for one recipient, whoever asks, before anything is looked up', async () => {
    const email = `${newName()}@example.com`;
    for (let i = 0; i < MAIL_LIMIT; i++) {
      from = `198.51.100.${i}`;
      expect((await ask(email)).status).toBe(204);
    }
    from = '198.51.100.99';
    const response = await ask(email.toUpperCase());
    expect(response.headers.get('Retry-After')).toBe('60');
    expect(await answer(response)).toEqual(THROTTLED);
    // A mail service takes these two domains for one.
    const fullwidth = email.replace('example', '\uFF45xample');
    expect(await answer(await ask(fullwidth))).toEqual(THROTTLED);
    const resend = await attempt('/users/resend_activation', { email }, {}, verifying);
    expect(await answer(resend)).toEqual(THROTTLED);
    const body = { username: newName(), password: 'pw', email };
    expect(await answer(await attempt('/register', body, {}, verifying))).toEqual(THROTTLED);
    expect((await ask(`${newName()}@example.com`)).status).toBe(204);
  });

  it('are so many for one user’s links, whoever tries', async () => {
    const uid = btoa(newName().replace('user', '7777')).replace(/=+$/, '');
    for (let i = 0; i < MAIL_LIMIT; i++) {
      from = `198.51.100.${i}`;
      expect((await confirm(uid)).status).toBe(400);
    }
    expect(await answer(await confirm(uid))).toEqual(THROTTLED);
    const link = { uid, token: 'x' };
    const activation = await attempt('/users/activation', link, {}, verifying);
    expect(await answer(activation)).toEqual(THROTTLED);
    expect((await confirm(`${uid}8`)).status).toBe(400);
  });

  it('are so many from one address, to whomever', async () => {
    from = '198.51.100.200';
    for (let i = 0; i < MAIL_ADDRESS_LIMIT; i++) await ask(`${newName()}@example.com`);
    expect(await answer(await ask(`${newName()}@example.com`))).toEqual(THROTTLED);
    expect(await answer(await confirm('MQ'))).toEqual(THROTTLED);
  });

  it('are few if an address is changed to and fro, because each change needs the password', async () => {
    const username = newName();
    const token = await register(username, 'pw');
    const change = (email: string) =>
      sendAs(token, 'PATCH', '/me', { email, current_password: 'pw' }, env);
    for (let i = 0; i < LIMIT; i++) {
      expect((await change(`${username}@${i % 2}.example`)).status).toBe(200);
    }
    expect(await answer(await change(`${username}@a.example`))).toEqual(THROTTLED);
    expect((await sendAs(token, 'PATCH', '/me', { first_name: 'Ann' }, env)).status).toBe(200);
  });
});

it('warns once of each limit, and throttles nothing, where the bindings are not configured', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  vi.resetModules();
  const { createApp } = await import('../../src/app.ts');
  const app = createApp();
  const body = JSON.stringify({ username: newName(), password: 'no' });
  const headers = { 'Content-Type': 'application/json' };
  for (let i = 0; i <= LIMIT; i++) {
    const response = await app.request('/login', { method: 'POST', headers, body }, unthrottled);
    expect(response.status).toBe(401);
  }
  const events = warn.mock.calls.map(([line]) => JSON.parse(String(line)));
  expect(events).toEqual(
    [
      { scope: 'login-address', binding: 'LOGIN_ADDRESS_LIMIT' },
      { scope: 'login', binding: 'LOGIN_LIMIT' },
    ].map(({ scope, binding }) => ({
      event: 'not-throttled',
      scope,
      message: `${binding} is not bound: passwords can be guessed at full speed.`,
    })),
  );
});

it('is no way around the checks of a body', async () => {
  const response = await post('/login', { username: '' }, env);
  expect(response.status).toBe(400);
});
