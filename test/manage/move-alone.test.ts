import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useManage } from '../helpers/manage.ts';
import { token, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const { manage, query } = useManage();

function dump(...records: unknown[]): string {
  const path = join(temporaryDirectory(), 'dump.json');
  writeFileSync(path, JSON.stringify(records));
  return path;
}

const registered = (year: number) => ({ date_joined: `${year}-03-18T02:30:00.123Z` });

/** Ids, names and tokens of all users here. */
const accounts = async () =>
  (
    await query(`SELECT auth_user.id, username, key FROM auth_user
      LEFT JOIN authtoken_token ON user_id = auth_user.id ORDER BY auth_user.id`)
  ).map(({ id, username, key }) => [id, username, key]);

test('imports only one user of a dump, with the token', async () => {
  const file = dump(user(1), token('a', 1), user(2), token('b', 2), user(3), token('c', 3));
  expect(await manage(['import', '--user', 'user2', file])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Users imported:  1\nTokens imported: 1\n'),
  });
  expect(await manage(['import', file, '--user', 'user3', '--user', 'user2'])).toMatchObject({
    code: 0,
  });
  expect(await accounts()).toEqual([
    [2, 'user2', 'b'],
    [3, 'user3', 'c'],
  ]);
});

test('a user who is not in the files is named, and nothing is written', async () => {
  expect(await manage(['import', dump(user(1)), '--user', 'nobody'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('CommandError: no user nobody\n'),
  });
  expect(await accounts()).toEqual([]);
});

test('a user whose id is taken gets another one with --new-ids, and the token follows', async () => {
  await manage(['import', dump(user(1, { username: 'yan' }), token('y', 1))]);
  const file = dump(user(1, { username: 'zoe', ...registered(2026) }), token('z', 1), user(2));

  const refused = await manage(['import', file]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('--new-ids gives another id');

  const moved = await manage(['import', file, '--new-ids']);
  expect(moved.code).toBe(0);
  expect(moved.stderr).toContain('WARNING: 1 user with another id here: zoe (1 there, 3 here).');
  const rows = [
    [1, 'yan', 'y'],
    [2, 'user2', null],
    [3, 'zoe', 'z'],
  ];
  expect(await accounts()).toEqual(rows);

  // The second import finds the user by name and date.
  expect(await manage(['import', file, '--new-ids'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('2 already here, 0 in conflict'),
  });
  expect(await accounts()).toEqual(rows);

  // So does a third, when the id that zoe has in Django is free here.
  await query(`DELETE FROM authtoken_token WHERE user_id = 1; DELETE FROM auth_user WHERE id = 1`);
  expect(await manage(['import', file, '--new-ids'])).toMatchObject({ code: 0 });
  expect(await accounts()).toEqual(rows.slice(1));
});

test('users who exchange ids with --new-ids are kept apart', async () => {
  await manage([
    'import',
    dump(user(1, { username: 'ann' }), token('a', 1), user(2, { username: 'bob' }), token('b', 2)),
  ]);
  const file = dump(
    user(1, { username: 'bob' }),
    token('b', 1),
    user(2, { username: 'ann' }),
    token('a', 2),
  );
  expect(await manage(['import', file, '--new-ids'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('2 already here, 0 in conflict'),
  });
});

test('with --new-ids, two users of the same name stay two users', async () => {
  await manage(['import', dump(user(1, { username: 'yan' }), user(2, { username: 'alex' }))]);
  const before = await accounts();
  const file = dump(user(1, { username: 'alex', ...registered(2026) }), token('x', 1));
  expect(await manage(['import', file, '--new-ids'])).toMatchObject({
    code: 1,
    stdout: 'Conflicts: 1\n  alex (id 3) has the username of another user in the database\n',
  });
  expect(await accounts()).toEqual(before);
});

test('an id above those of the files and of deleted users here is new', async () => {
  await manage(['import', dump(user(1, { username: 'yan' }), user(50))]);
  await query('DELETE FROM auth_user WHERE id = 50');
  await manage(['import', dump(user(1), user(7)), '--new-ids']);
  expect(await accounts()).toEqual([
    [1, 'yan', null],
    [7, 'user7', null],
    [51, 'user1', null],
  ]);
});
