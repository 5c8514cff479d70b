/** A user who changes while its owner's password is checked. */
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

/** Bindings whose D1 does something each time a stored password was read, and how often that was. */
function afterEachLook(change: (look: number) => Promise<unknown>) {
  let looks = 0;
  const DB = interceptD1(env.DB, {
    around: async ({ sql: [sql], run }) => {
      const result = await run();
      if (sql?.startsWith('select "password" from "auth_user"')) await change(++looks);
      return result;
    },
  });
  // What an isolate remembers of tokens must not come between a change and its compare-and-swap.
  const { bindings } = withMailbox({ DB, TOKEN_CACHE_SECONDS: '60' });
  return { bindings, looks: () => looks };
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

  it('looks once more if the hash is replaced while the password is checked', async () => {
    const { bindings, looks } = afterEachLook(async (look) => {
      if (look === 1) await setPassword(await makePassword(PASSWORD, 1000));
    });
    expect((await act(bindings)).status).toBe(done);
    expect(looks()).toBe(2);
  });

  it('looks no more than twice, and changes nothing then', async () => {
    const { bindings, looks } = afterEachLook(async () => {
      await setPassword(await makePassword(PASSWORD, 1000));
    });
    expect(await answer(await act(bindings))).toEqual(INVALID_PASSWORD);
    expect(looks()).toBe(2);
    expect(await stored()).toMatchObject({ email: '', key: token });
  });

  it('is refused if the password itself is replaced meanwhile, and changes nothing', async () => {
    const password = await makePassword('of another request', 1000);
    const { bindings } = afterEachLook(() => setPassword(password));
    expect(await answer(await act(bindings))).toEqual(INVALID_PASSWORD);
    expect(await stored()).toEqual({ password, email: '', key: token });
  });
});

it('PATCH /me answers 401 where the user is deleted after it was authenticated', async () => {
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
