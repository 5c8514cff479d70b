/** Changes of a user while the password of the request is checked. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { makePassword } from '../../src/hashing/hashers.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { answer, newName, register, sendAs, unthrottled } from '../helpers/client.ts';
import { interceptD1 } from '../helpers/intercept-d1.ts';
import { withMailbox } from '../helpers/mailbox.ts';

const PASSWORD = 'correct horse';

let username: string;
let token: string;
beforeEach(async () => {
  username = newName();
  token = await register(username, PASSWORD);
});

const setPassword = (encoded: string) =>
  env.DB.prepare('UPDATE auth_user SET password = ? WHERE username = ?')
    .bind(encoded, username)
    .run();

const stored = () =>
  env.DB.prepare(
    'SELECT password, email, key FROM auth_user LEFT JOIN authtoken_token ON user_id = id WHERE username = ?',
  )
    .bind(username)
    .first();

/**
 * Bindings whose D1 runs a change after each read of a stored password, and the number of reads.
 */
function afterEachRead(change: (read: number) => Promise<unknown>) {
  let reads = 0;
  const DB = interceptD1(env.DB, {
    around: async ({ sql: [sql], run }) => {
      const result = await run();
      if (sql?.startsWith('select "password" from "auth_user"')) await change(++reads);
      return result;
    },
  });
  // A cached token must not prevent the compare-and-swap.
  const { bindings } = withMailbox({ DB, TOKEN_CACHE_SECONDS: '60' });
  return { bindings, reads: () => reads };
}

const INVALID_PASSWORD = { status: 400, body: { current_password: ['Invalid password.'] } };

describe.each([
  { method: 'POST', path: '/password', done: 200 },
  { method: 'DELETE', path: '/me', done: 204 },
  { method: 'PATCH', path: '/me', done: 200 },
])('$method $path', ({ method, path, done }) => {
  const act = (bindings: Bindings) =>
    sendAs(
      token,
      method,
      path,
      { current_password: PASSWORD, new_password: 'new', email: 'new@example.com' },
      bindings,
    );

  it('retries once if the hash is replaced while the password is checked', async () => {
    const { bindings, reads } = afterEachRead(async (read) => {
      if (read === 1) await setPassword(await makePassword(PASSWORD, 1000));
    });
    expect((await act(bindings)).status).toBe(done);
    expect(reads()).toBe(2);
  });

  it('gives up after one retry, and changes nothing', async () => {
    const { bindings, reads } = afterEachRead(async () => {
      await setPassword(await makePassword(PASSWORD, 1000));
    });
    expect(await answer(await act(bindings))).toEqual(INVALID_PASSWORD);
    expect(reads()).toBe(2);
    expect(await stored()).toMatchObject({ email: '', key: token });
  });

  it('is refused if another request replaces the password, and changes nothing', async () => {
    const password = await makePassword('of another request', 1000);
    const { bindings } = afterEachRead(() => setPassword(password));
    expect(await answer(await act(bindings))).toEqual(INVALID_PASSWORD);
    expect(await stored()).toEqual({ password, email: '', key: token });
  });
});

it('PATCH /me responds 401 if the user is deleted after authentication', async () => {
  const DB = interceptD1(env.DB, {
    around: async ({ sql: [sql], run }) => {
      if (sql?.startsWith('update')) {
        await env.DB.batch([
          env.DB.prepare('DELETE FROM authtoken_token WHERE key = ?').bind(token),
          env.DB.prepare('DELETE FROM auth_user WHERE username = ?').bind(username),
        ]);
      }
      return run();
    },
  });
  const bindings = { ...unthrottled, DB };
  const response = await sendAs(token, 'PATCH', '/me', { first_name: 'Ada' }, bindings);
  expect(await answer(response)).toEqual({
    status: 401,
    body: { detail: 'User inactive or deleted.' },
  });
});
