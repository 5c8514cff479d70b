import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import {
  createUser,
  createUserToken,
  type FoundUser,
  findUser,
  setUserActive,
  setUserPassword,
} from '../../../src/auth/operator/users.ts';
import { createLocalHasher } from '../../../src/hashing/password-hashing.ts';
import { operatorQueries } from '../../../src/store/operator/users.ts';
import { newName, register } from '../../helpers/client.ts';

const store = operatorQueries(env.DB);
const hashing = createLocalHasher(1000);

const rowOf = (username: string) =>
  env.DB.prepare(
    'SELECT * FROM auth_user LEFT JOIN authtoken_token ON user_id = id WHERE username = ?',
  )
    .bind(username)
    .first();

const create = (username: string) =>
  createUser(store, hashing, { username, email: '', password: 'pw', isSuperuser: false });

describe('createUser', () => {
  it('stores the normal form of a name, and Django’s datetime', async () => {
    const username = newName();
    expect(await create(username.replace('u', '\uFF55'))).toEqual({ ok: true, value: undefined });
    expect(await rowOf(username)).toMatchObject({
      date_joined: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?$/),
    });
  });

  it('refuses a taken name, and does not change its user', async () => {
    const username = newName();
    await create(username);
    const before = await rowOf(username);
    expect(await create(username)).toEqual({ ok: false, error: { kind: 'username-taken' } });
    expect(await rowOf(username)).toEqual(before);
  });
});

describe('findUser', () => {
  it('finds a name as it is stored, and by other forms of its normal one', async () => {
    const username = newName();
    await create(username);
    expect(await findUser(store, username.replace('u', '\uFF55'))).toMatchObject({ username });
    const imported = `\uFB01${username}`;
    await env.DB.prepare('UPDATE auth_user SET username = ? WHERE username = ?')
      .bind(imported, username)
      .run();
    expect(await findUser(store, imported)).toMatchObject({ username: imported });
    expect(await findUser(store, `fi${username}`)).toBeUndefined();
  });
});

type Act = (user: FoundUser) => Promise<unknown>;

describe.each<{ what: string; isActive: number; act: Act }>([
  {
    what: 'a new password',
    isActive: 1,
    act: (user) => setUserPassword(store, hashing, user, 'new'),
  },
  {
    what: 'a new token',
    isActive: 1,
    act: (user) => createUserToken(store, user, { reset: true }),
  },
  { what: 'a deactivation', isActive: 1, act: (user) => setUserActive(store, user, false) },
  { what: 'an activation', isActive: 0, act: (user) => setUserActive(store, user, true) },
])('$what', ({ isActive, act }) => {
  it('is one user’s, and no other’s', async () => {
    const [mine, other] = [newName(), newName()];
    for (const username of [mine, other]) await register(username);
    await env.DB.prepare('UPDATE auth_user SET is_active = ?').bind(isActive).run();
    const before = [await rowOf(mine), await rowOf(other)];
    await act((await findUser(store, mine)) ?? expect.fail());
    expect(await rowOf(mine)).not.toEqual(before[0]);
    expect(await rowOf(other)).toEqual(before[1]);
  });
});
