import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { bulkQueries, USER_COLUMNS } from '../../../src/store/operator/bulk.ts';

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
function accounts(...users: { username: string; email?: string; key?: string }[]) {
  const rows = users.map((user, i): Record<string, unknown> => ({ ...VALUES, id: i + 1, ...user }));
  return {
    users: JSON.stringify(rows.map((row) => USER_COLUMNS.map((name) => row[name]))),
    tokens: JSON.stringify(
      rows.filter(({ key }) => key).map(({ id, key }) => [key, '2026-01-01 00:00:00', id]),
    ),
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

it('says where a token is missing, and nothing of who is not there', async () => {
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
  await expect(bulk.insertAccounts({ users, tokens: taken })).rejects.toThrow('UNIQUE');
  expect(await bulk.findUsers([2])).toEqual([]);
});

it('pages through users with and without a token, each once', async () => {
  const ids = async (afterId: number, limit: number) =>
    (await bulk.pageOfAccounts(afterId, limit)).map(([id]) => id);
  expect(await ids(0, 1)).toEqual([1]);
  expect(await ids(1, 2)).toEqual([2]);
  expect(await ids(2, 2)).toEqual([]);
});
