/** The accounts for code of the host. */
import { env } from 'cloudflare:workers';
import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { registrationFields } from '../../src/auth/registration-fields.ts';
import { serverApi } from '../../src/server/server-api.ts';
import { newName, unthrottled } from '../helpers/client.ts';

const PASSWORD = 'S3cret-horse';
const NOT_FOUND = { ok: false, error: { kind: 'user-not-found' } };
const UNKNOWN = 987_654_321;

const auth = createApp({ settings: { tokenCacheSeconds: 60 } });
const users = serverApi(auth, unthrottled);

async function create(fields: { username?: string; email?: string } = {}) {
  const username = fields.username ?? newName();
  const created = await users.createUser({ username, password: PASSWORD, ...fields });
  if (!created.ok) throw new Error(JSON.stringify(created.error));
  return created.value;
}

const isAuthenticated = async (key: string | undefined) =>
  (await auth.authenticate(`Token ${key}`, { env: unthrottled })).ok;

async function logIn(username: string, password: string) {
  const init = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, password }),
  };
  const request = new Request('http://localhost:8000/login', init);
  return (await auth.request(request, undefined, unthrottled)).status;
}

describe('createUser', () => {
  it('creates a user who can log in, and its token', async () => {
    const { username, key } = await create();
    expect(await isAuthenticated(key)).toBe(true);
    expect(await logIn(username, PASSWORD)).toBe(200);
  });

  it('refuses what POST /register refuses', async () => {
    const { username } = await create();
    expect(await users.createUser({ username, password: PASSWORD })).toEqual({
      ok: false,
      error: { kind: 'username-taken' },
    });
    expect(await users.createUser({ username: 'm e g', password: '' })).toMatchObject({
      ok: false,
      error: { kind: 'validation-error', errors: { password: ['This field may not be blank.'] } },
    });
    const strict = createApp({ settings: { passwordValidators: ['MinimumLength'] } });
    const short = { username: newName(), password: 'short' };
    expect(await serverApi(strict, unthrottled).createUser(short)).toMatchObject({
      ok: false,
      error: { kind: 'password-refused' },
    });
  });

  describe('with fields of the host', () => {
    beforeAll(async () => {
      await env.DB.exec(
        'CREATE TABLE nickname (user_id integer PRIMARY KEY REFERENCES auth_user (id) ON DELETE CASCADE, nickname text UNIQUE)',
      );
      return () => env.DB.exec('DROP TABLE nickname');
    });

    const withFields = createApp({
      registration: registrationFields({
        schema: v.object({ nickname: v.string() }),
        statements: ({ username }, { nickname }, db) => [
          db
            .prepare(
              'INSERT INTO nickname (user_id, nickname) SELECT id, ? FROM auth_user WHERE username = ?',
            )
            .bind(nickname, username),
        ],
      }),
    });
    const { createUser } = serverApi(withFields, unthrottled);

    it('stores them with the user', async () => {
      const nickname = newName();
      const user = () => ({ username: newName(), password: PASSWORD, nickname });
      const created = await createUser(user());
      const id = created.ok && created.value.id;
      const stored = env.DB.prepare('SELECT user_id FROM nickname WHERE nickname = ?');
      expect(await stored.bind(nickname).first('user_id')).toBe(id);
      expect(await createUser(user())).toMatchObject({
        error: { errors: { nickname: ['This field must be unique.'] } },
      });
    });

    it('refuses a user without them, also as a type', async () => {
      // @ts-expect-error: no nickname
      const refused = await createUser({ username: newName(), password: PASSWORD });
      expect(refused).toMatchObject({
        error: { errors: { nickname: ['This field is required.'] } },
      });
    });
  });
});

describe('findUser', () => {
  it('finds a user by id, username or address', async () => {
    const email = `${newName()}@example.com`;
    const { key: _, ...user } = await create({ email });
    expect(await users.findUser({ id: user.id })).toEqual(user);
    expect(await users.findUser({ username: user.username })).toEqual(user);
    expect(await users.findUser({ email: email.toUpperCase() })).toEqual(user);
  });

  it('returns undefined for an unknown one', async () => {
    expect(await users.findUser({ id: UNKNOWN })).toBeUndefined();
    expect(await users.findUser({ username: 'nobody' })).toBeUndefined();
    expect(await users.findUser({ username: '' })).toBeUndefined();
    expect(await users.findUser({ email: 'nobody@example.com' })).toBeUndefined();
    expect(await users.findUser({ email: '' })).toBeUndefined();
  });

  it('prefers an active user of an address', async () => {
    const email = `${newName()}@example.com`;
    const [first, second] = [await create({ email }), await create({ email })];
    expect(await users.findUser({ email })).toMatchObject({ id: first.id });
    await users.deactivate(first.id);
    expect(await users.findUser({ email })).toMatchObject({ id: second.id });
  });
});

describe('checkPassword and setPassword', () => {
  it('check the stored password and replace it', async () => {
    const { id, username, key } = await create();
    expect(await users.checkPassword(id, PASSWORD)).toEqual({ ok: true, value: true });
    expect(await users.checkPassword(id, 'wrong')).toEqual({ ok: true, value: false });
    expect(await users.setPassword(id, 'another-S3cret')).toEqual({ ok: true, value: undefined });
    expect(await users.checkPassword(id, PASSWORD)).toEqual({ ok: true, value: false });
    expect(await logIn(username, 'another-S3cret')).toBe(200);
    expect(await isAuthenticated(key)).toBe(true);
  });

  it('revoke the token with LOGOUT_ON_PASSWORD_CHANGE', async () => {
    const { id, key } = await create();
    const strict = createApp({ settings: { logoutOnPasswordChange: true } });
    await serverApi(strict, unthrottled).setPassword(id, 'another-S3cret');
    expect((await strict.authenticate(`Token ${key}`, { env: unthrottled })).ok).toBe(false);
  });

  it('refuse a password that the validators refuse', async () => {
    const { id } = await create();
    const strict = createApp({ settings: { passwordValidators: ['MinimumLength'] } });
    expect(await serverApi(strict, unthrottled).setPassword(id, 'short')).toMatchObject({
      error: { kind: 'password-refused' },
    });
    expect(await users.checkPassword(id, PASSWORD)).toEqual({ ok: true, value: true });
  });

  it('make too many wrong passwords wait', async () => {
    const { id } = await create();
    const limited = serverApi(createApp(), env);
    for (let n = 0; n < 10; n++) await limited.checkPassword(id, 'wrong');
    expect(await limited.checkPassword(id, PASSWORD)).toMatchObject({
      ok: false,
      error: { kind: 'throttled' },
    });
  });
});

describe('issueToken, revokeToken and revokeTokens', () => {
  it('return the token that the user has, and create one after a revocation', async () => {
    const { id, key } = await create();
    expect(await users.issueToken(id)).toEqual({ ok: true, value: key });
    expect(await isAuthenticated(key)).toBe(true);
    await users.revokeToken(String(key));
    expect(await isAuthenticated(key)).toBe(false);
    const issued = await users.issueToken(id);
    const another = issued.ok ? issued.value : undefined;
    expect(another).not.toBe(key);
    expect(await isAuthenticated(another)).toBe(true);
    expect(await users.revokeTokens(id)).toEqual({ ok: true, value: undefined });
    expect(await isAuthenticated(another)).toBe(false);
    expect(await users.checkPassword(id, PASSWORD)).toEqual({ ok: true, value: true });
  });
});

describe('with the tokens of knox', () => {
  const settings = { tokenModel: 'knox.AuthToken', tokenLimitPerUser: 3 } as const;
  const app = createApp({ settings });
  const knox = serverApi(app, unthrottled);
  const accepts = async (key: string | undefined) =>
    (await app.authenticate(`Token ${key}`, { env: unthrottled })).ok;

  it('each issued token is another one, up to the limit, and all are revoked together', async () => {
    const { id, key } = await create();
    const issued = [
      await knox.issueToken(id),
      await knox.issueToken(id),
      await knox.issueToken(id),
    ];
    const keys = issued.map((token) => (token.ok ? token.value : undefined));
    expect(new Set([key, ...keys])).toHaveLength(4);
    for (const each of [key, ...keys]) expect(await accepts(each)).toBe(true);
    expect(await knox.issueToken(id)).toEqual({
      ok: false,
      error: { kind: 'token-limit-exceeded' },
    });
    expect(await knox.revokeTokens(id)).toEqual({ ok: true, value: undefined });
    for (const each of [key, ...keys]) expect(await accepts(each)).toBe(false);
  });
});

describe('activate and deactivate', () => {
  it('take effect at once, and the token stays', async () => {
    const { id, username, key } = await create();
    expect(await isAuthenticated(key)).toBe(true);
    await users.deactivate(id);
    expect(await isAuthenticated(key)).toBe(false);
    expect(await logIn(username, PASSWORD)).toBe(401);
    expect(await users.issueToken(id)).toEqual({ ok: false, error: { kind: 'user-inactive' } });
    await users.activate(id);
    expect(await isAuthenticated(key)).toBe(true);
  });

  it('keep the last active superuser', async () => {
    const { id } = await create();
    await env.DB.prepare('UPDATE auth_user SET is_superuser = (id = ?)').bind(id).run();
    expect(await users.deactivate(id)).toEqual({ ok: false, error: { kind: 'last-superuser' } });
    const another = await create();
    await env.DB.prepare('UPDATE auth_user SET is_superuser = 1 WHERE id = ?')
      .bind(another.id)
      .run();
    expect(await users.deactivate(id)).toEqual({ ok: true, value: undefined });
  });
});

describe('deleteUser', () => {
  it('deletes the user and its token', async () => {
    const { id, key } = await create();
    expect(await isAuthenticated(key)).toBe(true);
    expect(await users.deleteUser(id)).toEqual({ ok: true, value: undefined });
    expect(await isAuthenticated(key)).toBe(false);
    expect(await users.findUser({ id })).toBeUndefined();
  });

  it('deletes nothing if a reference refuses', async () => {
    await env.DB.exec('CREATE TABLE keeper (user_id integer REFERENCES auth_user (id))');
    const { id, key } = await create();
    await env.DB.prepare('INSERT INTO keeper VALUES (?)').bind(id).run();
    const refused = await users.deleteUser(id);
    await env.DB.exec('DROP TABLE keeper');
    expect(refused).toEqual({ ok: false, error: { kind: 'user-referenced' } });
    expect(await isAuthenticated(key)).toBe(true);
  });
});

it.each([
  ['checkPassword', () => users.checkPassword(UNKNOWN, PASSWORD)],
  ['setPassword', () => users.setPassword(UNKNOWN, PASSWORD)],
  ['issueToken', () => users.issueToken(UNKNOWN)],
  ['revokeTokens', () => users.revokeTokens(UNKNOWN)],
  ['activate', () => users.activate(UNKNOWN)],
  ['deactivate', () => users.deactivate(UNKNOWN)],
  ['deleteUser', () => users.deleteUser(UNKNOWN)],
])('%s does not find an unknown user', async (_, call) => {
  expect(await call()).toEqual(NOT_FOUND);
});
