/**
 * Inactive users without a login or a token: Django does not say whether they were deactivated or
 * wait for djoser's activation.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { useManage } from '../helpers/manage.ts';
import { knoxToken, token, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const { manage, query } = useManage();

const NO_LOGIN = '1970-01-01 00:00:00';

function dump(...records: unknown[]): string {
  const path = join(temporaryDirectory(), 'dump.json');
  writeFileSync(path, JSON.stringify(records));
  return path;
}

const inactive = (id: number, fields: object = {}) => user(id, { is_active: false, ...fields });

const RECORDS = [
  user(1),
  inactive(2),
  inactive(3),
  token('a', 3),
  inactive(4, { last_login: '2024-03-18T02:30:00Z' }),
  inactive(5, { date_joined: undefined }),
];

const lastLogins = async () =>
  Object.fromEntries(
    (await query('SELECT id, last_login FROM auth_user ORDER BY id')).map((row) => [
      row.id,
      row.last_login,
    ]),
  );

test('are imported as deactivated, named and counted', async () => {
  const { code, stderr } = await manage(['import', dump(...RECORDS)]);
  expect(code).toBe(0);
  expect(stderr).toContain(
    'WARNING: 2 inactive users without a login or a token: user2, user5. Imported as deactivated: no ' +
      "activation link lets them in. If they wait for djoser's activation, use --inactive-users waiting.\n",
  );
  expect(await lastLogins()).toEqual({
    1: null,
    2: NO_LOGIN,
    3: null,
    4: '2024-03-18 02:30:00',
    5: NO_LOGIN,
  });
});

test('are imported as waiting on request, named and counted', async () => {
  const { stderr } = await manage(['import', dump(...RECORDS), '--inactive-users', 'waiting']);
  expect(stderr).toContain(
    'WARNING: 2 inactive users without a login or a token: user2, user5. Imported as waiting: an ' +
      'activation link lets them in. Use `deactivate` for users who must stay out.\n',
  );
  expect(await lastLogins()).toMatchObject({ 2: null, 5: null });
});

test('are not mentioned if there are none', async () => {
  const { stderr } = await manage(['import', dump(user(1), inactive(2), token('a', 2))]);
  expect(stderr).not.toContain('inactive');
});

test('are the same at a second import, and others with the other choice', async () => {
  const file = dump(...RECORDS);
  await manage(['import', file]);
  const again = await manage(['import', file]);
  expect(again.stdout).toContain('5 already here, 0 in conflict');
  expect(again.stderr).toContain('WARNING: 2 inactive users');

  const waiting = ['import', file, '--inactive-users', 'waiting'];
  expect(await manage(waiting)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('2 conflicts, nothing is written'),
  });
  await manage([...waiting, '--on-conflict', 'update']);
  expect(await lastLogins()).toMatchObject({ 2: null, 5: null });
  await manage(['import', file, '--on-conflict', 'update']);
  expect(await lastLogins()).toMatchObject({ 2: NO_LOGIN, 5: NO_LOGIN });
});

test.each([
  { first: [inactive(1)], second: [inactive(1), token('a', 1)] },
  { first: [inactive(1), token('a', 1)], second: [inactive(1)] },
])('are the same, whether their token comes with them or not: %j', async ({ first, second }) => {
  await manage(['import', dump(...first)]);
  await manage(['import', dump(token('a', 1)), '--match-users-by', 'id']);
  expect(await manage(['import', dump(...second)])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 already here, 0 in conflict'),
  });
});

test('go back to Django as they came', async () => {
  const directory = temporaryDirectory();
  await manage(['import', dump(...RECORDS)]);
  await manage(['export', join(directory, 'out.json')]);
  const exported = JSON.parse(readFileSync(join(directory, 'out.json'), 'utf8'));
  expect(exported).toMatchObject([
    { pk: 1, fields: { last_login: null } },
    { pk: 2, fields: { last_login: null, is_active: false } },
    { pk: 3, fields: { last_login: null } },
    { pk: 4, fields: { last_login: '2024-03-18T02:30:00Z' } },
    { pk: 5, fields: { last_login: null } },
    { pk: 'a' },
  ]);

  await manage(['export', join(directory, 'out.sqlite3')]);
  const db = new DatabaseSync(join(directory, 'out.sqlite3'), { readOnly: true });
  expect(db.prepare('SELECT last_login FROM auth_user WHERE id = 2').get()).toEqual({
    last_login: null,
  });
  db.close();
});

test('are found in an SQLite file too', async () => {
  const path = join(temporaryDirectory(), 'db.sqlite3');
  copyFileSync('test/conformance/django.sqlite3', path);
  const { stderr } = await manage(['import', path]);
  expect(stderr).toContain(
    '2 inactive users without a login or a token: inactive-staff, unusable-no-token.',
  );
});

test.each(['deactivated', 'waiting'])(
  'those with tokens of knox have logged in, and are deactivated: --inactive-users %s',
  async (option) => {
    const file = dump(
      inactive(1),
      knoxToken('phone', 1),
      inactive(2),
      knoxToken('of knox 4', 2, { token_key: 'of knox ' }),
    );
    const { stderr } = await manage(['import', file, '--inactive-users', option]);
    expect(stderr).not.toContain('inactive user');
    expect(await lastLogins()).toEqual({ 1: NO_LOGIN, 2: NO_LOGIN });
    expect(await manage(['import', file, '--inactive-users', option])).toMatchObject({ code: 0 });
  },
);
