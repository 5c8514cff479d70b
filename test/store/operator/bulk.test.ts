import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { bulkQueries, NO_LOGIN, USER_COLUMNS } from '../../../src/store/operator/bulk.ts';
import { createStore } from '../../../src/store/store.ts';

const bulk = bulkQueries(env.DB);

const VALUES: Record<string, unknown> = {
  password: '!',
  last_login: null,
  is_superuser: 0,
  last_name: '',
  email: '',
  is_staff: 0,
  is_active: 1,
  date_joined: '2026-01-01 00:00:00',
  first_name: '',
};

/** Accounts of users with ids from 1, and the token that each of them has. */
function accounts(...users: (Record<string, unknown> & { username: string; key?: string })[]) {
  const rows = users.map((user, i): Record<string, unknown> => ({ ...VALUES, id: i + 1, ...user }));
  return {
    users: JSON.stringify(rows.map((row) => USER_COLUMNS.map((name) => row[name]))),
    tokens: JSON.stringify(
      rows.filter(({ key }) => key).map(({ id, key }) => [key, '2026-01-01 00:00:00', id]),
    ),
    knoxTokens: undefined,
  };
}

const [ann, bob] = [{ username: 'ann', key: 'a' }, { username: 'bob' }];

beforeEach(async () => {
  await env.DB.exec('DELETE FROM authtoken_token');
  await env.DB.exec('DELETE FROM auth_user');
  await bulk.insertAccounts(accounts(ann, bob));
});

it.each([
  { user: { ...ann }, standing: 'same' },
  { user: { username: 'ann' }, standing: 'same' },
  { user: { ...ann, email: 'new@example.com' }, standing: 'differs' },
  { user: { username: 'ann', key: 'b' }, standing: 'differs' },
  { user: { ...ann, username: 'other' }, standing: 'id-taken' },
  { user: { username: 'bob' }, standing: 'id-taken' },
])('says of $user as user 1: $standing', async ({ user, standing }) => {
  expect(await bulk.classifyAccounts(accounts(user))).toEqual([{ id: 1, standing }]);
});

it('reports a missing token, and nothing about unknown users', async () => {
  const more = accounts(ann, { ...bob, key: 'b' }, { username: 'new' });
  expect(await bulk.classifyAccounts(more)).toEqual([
    { id: 1, standing: 'same' },
    { id: 2, standing: 'token-missing' },
  ]);
});

it('gives no user the values of another who has its id', async () => {
  await bulk.updateAccounts(accounts({ username: 'other', email: 'other@example.com' }));
  const [user] = await bulk.findUsers([1]);
  expect(user).toEqual(expect.arrayContaining(['ann']));
  expect(user).not.toContain('other@example.com');
});

it('inserts neither users nor tokens where one has no place', async () => {
  await env.DB.exec('DELETE FROM auth_user WHERE id = 2');
  const taken = JSON.stringify([['a', '2026-01-01 00:00:00', 2]]);
  const users = JSON.stringify([
    USER_COLUMNS.map((name) => ({ ...VALUES, id: 2, username: 'bob' })[name]),
  ]);
  await expect(
    bulk.insertAccounts({ users, tokens: taken, knoxTokens: undefined }),
  ).rejects.toThrow('UNIQUE');
  expect(await bulk.findUsers([2])).toEqual([]);
});

it('pages through users with and without a token, each once', async () => {
  const ids = async (afterId: number, limit: number) =>
    (await bulk.pageOfAccounts(afterId, limit)).map(([id]) => id);
  expect(await ids(0, 1)).toEqual([1]);
  expect(await ids(1, 2)).toEqual([2]);
  expect(await ids(2, 2)).toEqual([]);
});

it.each([
  { last_login: null, isActivated: true },
  { last_login: NO_LOGIN, isActivated: false },
])(
  'a link activates an inactive user with the last login $last_login: $isActivated',
  async ({ last_login, isActivated }) => {
    await env.DB.exec('DELETE FROM authtoken_token');
    await env.DB.exec('DELETE FROM auth_user');
    const email = 'bob@example.com';
    await bulk.insertAccounts(accounts({ ...bob, last_login, is_active: 0, password: 'x', email }));
    const store = createStore(env.DB);
    expect(await store.findUsersToActivate(email, '', 10)).toHaveLength(Number(isActivated));
    expect(await store.activateUser(1, '2026-01-02 00:00:00')).toBe(isActivated);
  },
);

it.each([
  { database: null, account: NO_LOGIN, standing: 'differs' },
  { database: NO_LOGIN, account: null, standing: 'differs' },
  { database: NO_LOGIN, account: NO_LOGIN, standing: 'same' },
  { database: null, account: NO_LOGIN, key: 'a', standing: 'same' },
  { database: NO_LOGIN, account: null, key: 'a', standing: 'same' },
  { database: '2026-01-02 00:00:00', account: NO_LOGIN, key: 'a', standing: 'differs' },
])(
  'compares the last logins $database and $account: $standing',
  async ({ database, account, key, standing }) => {
    await env.DB.exec('DELETE FROM authtoken_token');
    await env.DB.exec('DELETE FROM auth_user');
    const withToken = key === undefined ? {} : { key };
    await bulk.insertAccounts(accounts({ username: 'ann', last_login: database, ...withToken }));
    const imported = accounts({ username: 'ann', last_login: account });
    expect(await bulk.classifyAccounts(imported)).toEqual([{ id: 1, standing }]);
  },
);
