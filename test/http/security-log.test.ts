import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { makePassword } from '../../src/hashing/hashers.ts';
import { newName, register, send, unthrottled } from '../helpers/client.ts';
import { withMailbox } from '../helpers/mailbox.ts';
import { untilRoomInMinute } from '../helpers/until-room-in-minute.ts';

const CLIENT = '192.0.2.77';

let log: MockInstance<typeof console.log>;
beforeEach(() => {
  log = vi.spyOn(console, 'log').mockImplementation(() => {});
});

const events = () => log.mock.calls.map(([line]) => JSON.parse(String(line)));

const ask = (method: string, path: string, body: unknown, token?: string, bindings = unthrottled) =>
  send(
    path,
    {
      method,
      headers: {
        'Content-Type': 'application/json',
        'CF-Connecting-IP': CLIENT,
        'CF-Ray': '8f1-FRA',
        ...(token ? { Authorization: `Token ${token}` } : {}),
      },
      body: JSON.stringify(body),
    },
    bindings,
  );

const idOf = (username: string) =>
  env.DB.prepare('SELECT id FROM auth_user WHERE username = ?').bind(username).first<number>('id');

const client = { client: CLIENT, request_id: '8f1-FRA' };

describe('the security log', () => {
  it('has one line for each event, with the user, the client and the request', async () => {
    const username = newName();
    const { token } = await (await ask('POST', '/register', { username, password: 'pw' })).json<{
      token: string;
    }>();
    const user_id = await idOf(username);
    await ask('POST', '/login', { username, password: 'pw' });
    await ask('POST', '/password', { current_password: 'no', new_password: 'pw2' }, token);
    const changed = await ask(
      'POST',
      '/password',
      { current_password: 'pw', new_password: 'pw2' },
      token,
    );
    const { token: second } = await changed.json<{ token: string }>();
    await ask('POST', '/logout', {}, second);
    const login = await ask('POST', '/login', { username, password: 'pw2' });
    const { token: third } = await login.json<{ token: string }>();
    const { bindings } = withMailbox();
    for (const current_password of ['no', 'pw2']) {
      const body = { email: 'new@example.com', current_password };
      await ask('PATCH', '/me', body, third, bindings);
    }
    await ask('DELETE', '/me', { current_password: 'no' }, third);
    await ask('DELETE', '/me', { current_password: 'pw2' }, third);
    expect(events()).toEqual(
      [
        'registered',
        'login-succeeded',
        'password-change-refused',
        'password-changed',
        'logged-out',
        'login-succeeded',
        'email-change-refused',
        'email-changed',
        'account-deletion-refused',
        'account-deleted',
      ].map((event) => ({ event, user_id, ...client })),
    );
  });

  it('has the reason of a failed login, which the response does not have', async () => {
    const username = newName();
    await register(username, 'pw');
    const user_id = await idOf(username);
    log.mockClear();
    await ask('POST', '/login', { username: 'nobody', password: 'pw' });
    await ask('POST', '/login', { username, password: 'no' });
    await env.DB.prepare('UPDATE auth_user SET is_active = 0 WHERE id = ?').bind(user_id).run();
    await ask('POST', '/api-token-auth', { username, password: 'pw' });
    expect(events()).toEqual([
      { event: 'login-failed', reason: 'unknown-user', ...client },
      { event: 'login-failed', reason: 'wrong-password', user_id, ...client },
      { event: 'login-failed', reason: 'inactive-user', user_id, ...client },
    ]);
  });

  it('has an upgraded hash', async () => {
    const username = newName();
    await register(username, 'pw');
    const user_id = await idOf(username);
    await env.DB.prepare('UPDATE auth_user SET password = ? WHERE id = ?')
      .bind(await makePassword('pw', 10), user_id)
      .run();
    log.mockClear();
    await ask('POST', '/login', { username, password: 'pw' });
    expect(events()).toEqual([
      { event: 'login-succeeded', user_id, ...client },
      { event: 'hash-upgraded', user_id, ...client },
    ]);
  });

  it('has the limit that refused a request', async () => {
    await untilRoomInMinute();
    const username = newName();
    for (let i = 0; i <= 10; i++) {
      await ask('POST', '/login', { username, password: 'no' }, undefined, env);
    }
    expect(events().at(-1)).toEqual({ event: 'throttled', scope: 'login', ...client });
  });

  it('has the whole IPv6 address, although limits count its /64', async () => {
    const headers = { 'Content-Type': 'application/json', 'CF-Connecting-IP': '2001:db8::7' };
    const body = JSON.stringify({ username: newName(), password: 'no' });
    await send('/login', { method: 'POST', headers, body }, unthrottled);
    expect(events()).toEqual([expect.objectContaining({ client: '2001:db8::7' })]);
  });

  it('has no password, token, hash or username of a failed login', async () => {
    const username = newName();
    const registered = await ask('POST', '/register', { username, password: 'S3cret-pw' });
    const { token } = await registered.json<{ token: string }>();
    await ask('POST', '/login', { username, password: 'S3cret-pw' });
    await ask('POST', '/login', { username: 'typed-my-password-here', password: 'x' });
    await ask(
      'POST',
      '/password',
      { current_password: 'S3cret-pw', new_password: 'S3cret-2' },
      token,
    );
    const lines = log.mock.calls.flat().join('\n');
    expect(lines).not.toMatch(/S3cret|pbkdf2|typed-my-password|[0-9a-f]{40}/);
    expect(lines).not.toContain(token);
  });

  it('does not use a request id from the client', async () => {
    await send(
      '/login',
      {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Request-Id': 'forged' },
        body: JSON.stringify({ username: 'nobody', password: 'x' }),
      },
      unthrottled,
    );
    const [event] = events();
    expect(event.request_id).toMatch(/^[0-9a-f-]{36}$/);
  });
});
