import { expect, test } from 'vitest';
import { useManage } from '../helpers/manage.ts';

const { manage, query } = useManage();

const USERS = 'SELECT * FROM auth_user ORDER BY id';
const TOKENS = 'SELECT * FROM authtoken_token';

/** Creates users with a token each. */
async function create(...usernames: string[]): Promise<void> {
  for (const [i, username] of usernames.entries()) {
    await query(
      `INSERT INTO auth_user (id, password, is_superuser, username, last_name, email, is_staff,
         is_active, date_joined, first_name)
       VALUES (${i + 1}, '!', 0, '${username}', '', '${username}@example.com', 0, 1,
         '2026-01-02 03:04:05', '')`,
    );
    await query(
      `INSERT INTO authtoken_token VALUES ('${username.padEnd(40, '0')}', '2026-01-02 03:04:05', ${i + 1})`,
    );
  }
}

test.each(['--no-input', '--noinput'])('deleteuser %s asks nothing', async (option) => {
  await create('ann');
  expect(await manage(['deleteuser', 'ann', option])).toMatchObject({ code: 0 });
  expect(await query(USERS)).toEqual([]);
});

test.each([
  ['yes', ['y'], 0, 1],
  ['no', ['n'], 1, 2],
  ['Ctrl-C', ['\x03'], 1, 2],
])('deleteuser asks on a terminal: %s', async (_, keys, code, remaining) => {
  await create('ann', 'bob');
  const outcome = await manage(['deleteuser', 'ann'], { keys });
  expect(outcome.code).toBe(code);
  expect(outcome.stderr).toContain("Delete user 'ann' (id 1, ann@example.com)");
  if (code === 1) expect(outcome.stderr).toContain('CommandError: Operation cancelled.');
  expect(await query(USERS)).toHaveLength(remaining);
  expect(await query(TOKENS)).toHaveLength(remaining);
});

test('deleteuser deletes nothing while rows of other tables refer to the user, and names them', async () => {
  await create('ann', 'bob');
  await query(
    'CREATE TABLE rocks (owner_id integer REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED)',
  );
  await query(
    'CREATE TABLE "odd ""notes" (author integer REFERENCES auth_user, reader integer REFERENCES auth_user)',
  );
  try {
    await query('INSERT INTO rocks VALUES (1), (1), (2)');
    await query('INSERT INTO "odd ""notes" VALUES (2, 1)');
    expect(await manage(['deleteuser', 'ann', '--yes'])).toEqual({
      code: 1,
      stdout: '',
      stderr:
        "CommandError: rows of other tables refer to user 'ann' (id 1, ann@example.com): 1 row of odd " +
        '"notes (reader), 2 rows of rocks (owner_id). Delete or change them first, or run `deactivate ann`\n',
    });
    expect(await query(USERS)).toHaveLength(2);
    expect(await query(TOKENS)).toHaveLength(2);

    await query('DELETE FROM rocks WHERE owner_id = 1');
    await query('DELETE FROM "odd ""notes"');
    expect(await manage(['deleteuser', 'ann', '--yes'])).toMatchObject({ code: 0 });
    expect(await query(USERS)).toMatchObject([{ username: 'bob' }]);
    expect(await query('SELECT owner_id FROM rocks')).toEqual([{ owner_id: 2 }]);
  } finally {
    await query('DROP TABLE rocks');
    await query('DROP TABLE "odd ""notes"');
  }
});

test.each([['unsetsuperuser'], ['deactivate'], ['deleteuser', '--yes']])(
  '%s warns of the last active superuser, and of no other user',
  async (command, ...options) => {
    const warning =
      "WARNING: 'ann' is the last active superuser. `createsuperuser` makes another one.";
    await create('ann', 'bob', 'cleo');
    await query('UPDATE auth_user SET is_superuser = 1 WHERE id < 3');
    await query("UPDATE auth_user SET is_active = 0 WHERE username = 'bob'");
    for (const username of ['cleo', 'bob']) {
      expect(await manage([command, username, ...options])).toMatchObject({ code: 0, stderr: '' });
    }
    const { code, stderr } = await manage([command, 'ann', ...options]);
    expect({ code, hasWarning: stderr.includes(warning) }).toEqual({ code: 0, hasWarning: true });
  },
);

const COMMANDS = [
  ['deleteuser', '--yes'],
  ['setstaff'],
  ['unsetstaff'],
  ['setsuperuser'],
  ['unsetsuperuser'],
  ['drf_delete_token'],
  ['activate'],
  ['deactivate'],
  ['drf_create_token'],
];

test.each(COMMANDS)('%s suggests users of a similar name or with the address', async (...args) => {
  await create('ann', 'bob');
  await query("UPDATE auth_user SET email = 'Ann@example.com' WHERE username = 'bob'");
  const [command = '', ...options] = args;
  const before = [await query(USERS), await query(TOKENS)];
  const said = async (username: string) => (await manage([command, username, ...options])).stderr;
  expect(await said('ANN')).toMatch(/^CommandError: .*does not exist\. Did you mean 'ann'\?\n$/);
  expect(await said('ann@example.com')).toMatch(/Did you mean 'ann' or 'bob'\?\n$/);
  expect(await said('nobody')).toMatch(/^CommandError: .*nobody'? does not exist\n$/);
  expect([await query(USERS), await query(TOKENS)]).toEqual(before);
});

test('names are exact: another case is another user', async () => {
  await create('ann', 'Ann');
  await manage(['deleteuser', 'Ann', '--yes']);
  expect(await query(USERS)).toMatchObject([{ username: 'ann' }]);
});

test.each([
  ['changeemail', ['ann', ' new@example.com']],
  ['createuser', ['--no-input', '--username', 'new ', '--email', 'new@example.com']],
  ['createuser', ['--no-input', '--username', 'new', '--email', 'new@example.com\n']],
])('%s %j refuses white space around a value, as Django does', async (command, args) => {
  await create('ann');
  const before = await query(USERS);
  expect(await manage([command, ...args])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('It begins or ends with white space.\n'),
  });
  expect(await query(USERS)).toEqual(before);
});
