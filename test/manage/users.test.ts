import { readFileSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { verifyPassword } from '../../src/hashing/hashers.ts';
import type { Database } from '../../src/manage/database.ts';
import { useManage } from '../helpers/manage.ts';

const { manage, query } = useManage();

const USER = 'SELECT * FROM auth_user';
const TOKEN = 'SELECT key FROM authtoken_token';

const ANN = {
  DJANGO_SUPERUSER_USERNAME: 'ann',
  DJANGO_SUPERUSER_EMAIL: 'Ann@Example.COM',
  DJANGO_SUPERUSER_PASSWORD: 'correct horse',
};

const createAnn = () => manage(['createuser', '--no-input'], { env: ANN });

const isPassword = async (password: string, encoded: unknown) =>
  (await verifyPassword(password, String(encoded), 1)).isCorrect;

test('createsuperuser --no-input reads Django’s variables', async () => {
  expect(await manage(['createsuperuser', '--no-input'], { env: ANN })).toMatchObject({
    code: 0,
    stdout: 'Superuser created successfully.\n',
  });
  const [user] = await query(USER);
  expect(user).toMatchObject({
    username: 'ann',
    email: 'Ann@example.com',
    is_superuser: 1,
    is_staff: 1,
    is_active: 1,
  });
  expect(await isPassword('correct horse', user?.password)).toBe(true);
});

test('createuser makes a user without privileges, and options go before variables', async () => {
  await manage(['createuser', '--noinput', '--username', 'bob'], { env: ANN });
  expect(await query(USER)).toMatchObject([{ username: 'bob', is_superuser: 0, is_staff: 0 }]);
});

test('without a password the new user has an unusable one, as in Django', async () => {
  const { DJANGO_SUPERUSER_PASSWORD, ...env } = ANN;
  await manage(['createsuperuser', '--no-input'], { env });
  expect(await query(USER)).toMatchObject([
    { password: expect.stringMatching(/^![a-zA-Z0-9]{40}$/) },
  ]);
});

test.each([
  [
    'no name',
    { DJANGO_SUPERUSER_EMAIL: 'a@example.com' },
    'You must use --username with --noinput.',
  ],
  ['no address', { DJANGO_SUPERUSER_USERNAME: 'a' }, 'You must use --email with --noinput.'],
  [
    'a bad name',
    { ...ANN, DJANGO_SUPERUSER_USERNAME: 'a b' },
    'Error: Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.',
  ],
  [
    'a name that becomes a bad one in its normal form',
    { ...ANN, DJANGO_SUPERUSER_USERNAME: '⑴' },
    'Error: Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.',
  ],
  [
    'a blank password',
    { ...ANN, DJANGO_SUPERUSER_PASSWORD: ' ' },
    "Error: Blank passwords aren't allowed.",
  ],
])('createsuperuser refuses %s', async (_, env, reason) => {
  expect(await manage(['createsuperuser', '--no-input'], { env })).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `CommandError: ${reason}\n`,
  });
  expect(await query(USER)).toEqual([]);
});

test('createuser refuses a name that is taken, in its NFKC form too', async () => {
  await createAnn();
  expect(
    await manage(['createuser', '--no-input', '--username', 'ａｎｎ'], { env: ANN }),
  ).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('CommandError: Error: That username is already taken.'),
  });
});

test('createsuperuser asks nothing without a terminal', async () => {
  expect(await manage(['createsuperuser'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Superuser creation skipped due to not running in a TTY.'),
  });
});

test('changepassword reads the password from a pipe, twice', async () => {
  await createAnn();
  const outcome = await manage(['changepassword', 'ann'], { input: 'new pass\nnew pass\n' });
  expect(outcome).toMatchObject({
    code: 0,
    stdout: "Password changed successfully for user 'ann'\n",
    stderr: expect.stringContaining("Changing password for user 'ann'\n"),
  });
  expect(await isPassword('new pass', (await query(USER))[0]?.password)).toBe(true);
});

test.each([
  ['differ', 'one\ntwo\n', 'Passwords do not match.'],
  ['are empty', '\n\n', 'aborted'],
])('changepassword changes nothing if the two %s', async (_, input, reason) => {
  await createAnn();
  expect(await manage(['changepassword', 'ann'], { input })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`CommandError: ${reason}\n`),
  });
  expect(await isPassword('correct horse', (await query(USER))[0]?.password)).toBe(true);
});

test('drf_create_token prints the token there is, and with -r a new one', async () => {
  await createAnn();
  const first = await manage(['drf_create_token', 'ann']);
  const [token] = await query(TOKEN);
  expect(first).toMatchObject({ code: 0, stdout: `Generated token ${token?.key} for user ann\n` });
  expect((await manage(['drf_create_token', 'ann'])).stdout).toBe(first.stdout);

  const reset = await manage(['drf_create_token', '-r', 'ann']);
  const [replaced, ...others] = await query(TOKEN);
  expect(reset.stdout).toBe(`Generated token ${replaced?.key} for user ann\n`);
  expect(replaced).not.toEqual(token);
  expect(others).toEqual([]);
});

test('deactivate and activate change only is_active if there is a last login', async () => {
  await createAnn();
  await query("UPDATE auth_user SET last_login = '2026-01-02 03:04:05.678901'");
  const [before] = await query(USER);
  expect(await manage(['deactivate', 'ann'])).toMatchObject({
    code: 0,
    stdout: "User 'ann' is inactive\n",
  });
  expect(await query(USER)).toEqual([{ ...before, is_active: 0 }]);
  await manage(['activate', 'ann']);
  expect(await query(USER)).toEqual([before]);
});

test('deactivate notes a last login, so that no activation link lets the user in again', async () => {
  await createAnn();
  const [before] = await query(USER);
  expect(before).toMatchObject({ last_login: null });
  await manage(['deactivate', 'ann']);
  const last_login = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
  expect(await query(USER)).toEqual([{ ...before, is_active: 0, last_login }]);
});

test('sendtestemail sends a message to each address, as Django does', async () => {
  const sent: unknown[] = [];
  const send = async (message: unknown) => {
    sent.push(message);
    return { messageId: 'x' };
  };
  const vars = { DEFAULT_FROM_EMAIL: 'us@example.com' };
  const database = { email: { send }, vars, isRemote: true };
  const addresses = ['ann@example.com', 'bob@example.com'];
  expect(await manage(['sendtestemail', ...addresses], { database })).toMatchObject({
    code: 0,
    stdout:
      'Sent to ann@example.com, from us@example.com\nSent to bob@example.com, from us@example.com\n',
  });
  expect(sent).toEqual(
    addresses.map((to) => ({
      from: 'us@example.com',
      to,
      subject: expect.stringMatching(/^Test email from \S+ on \d{4}-/),
      text: "If you're reading this, it was successful.",
      html: "<p>If you're reading this, it was successful.</p>",
    })),
  );
});

test('sendtestemail without --remote prints the path of the message', async () => {
  const email: SendEmail = { send: async () => ({ messageId: 'x' }) };
  const database = { email, vars: { DEFAULT_FROM_EMAIL: 'Us <us@example.com>' }, isRemote: false };
  const { code, stdout } = await manage(['sendtestemail', 'ann@example.com'], { database });
  expect(code).toBe(0);
  const said =
    /^Not sent, because only --remote sends\. To ann@example\.com, from Us <us@example\.com>: (\S+)\n$/;
  const [, path = ''] = said.exec(stdout) ?? [];
  expect(path).toMatch(/^\.wrangler\/tmp\/email\//);
  try {
    expect(readFileSync(path, 'utf8')).toMatch(
      /^From: Us <us@example\.com>\nTo: ann@example\.com\nSubject: Test email from .*\n\nIf you're reading this/,
    );
  } finally {
    rmSync(path, { force: true });
  }
});

test('sendtestemail says why nothing was sent', async () => {
  const why = async (database: Partial<Database>) => {
    const { code, stderr } = await manage(['sendtestemail', 'ann@example.com'], { database });
    return { code, said: stderr.trim() };
  };
  const vars = { DEFAULT_FROM_EMAIL: 'us@example.com' };
  const email: SendEmail = { send: () => Promise.reject(new Error('the domain is not onboarded')) };
  expect(await why({ vars })).toEqual({
    code: 1,
    said: 'CommandError: the wrangler configuration here binds no EMAIL: add it to `send_email`',
  });
  expect(await why({ email, vars: {} })).toEqual({
    code: 1,
    said: 'CommandError: DEFAULT_FROM_EMAIL is not set: add it to `vars` of the wrangler configuration',
  });
  expect(await why({ email, vars })).toEqual({
    code: 1,
    said: 'CommandError: the message to ann@example.com was not sent: Error: the domain is not onboarded',
  });
});

test.each([
  [['changepassword', 'nobody'], "user 'nobody' does not exist"],
  [['drf_create_token', 'nobody'], 'Cannot create the Token: user nobody does not exist'],
  [['deactivate', 'nobody'], "user 'nobody' does not exist"],
  [['setstaff', 'nobody'], "user 'nobody' does not exist"],
  [['unsetsuperuser', 'nobody'], "user 'nobody' does not exist"],
  [['changeemail', 'nobody', 'a@example.com'], "user 'nobody' does not exist"],
  [['drf_delete_token', 'nobody'], "user 'nobody' does not exist"],
  [['deleteuser', 'nobody', '--yes'], "user 'nobody' does not exist"],
])('%j says that there is no such user', async (args, reason) => {
  expect(await manage(args)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(`CommandError: ${reason}\n`),
  });
});

test('users lists and searches, and shows no secret', async () => {
  await manage(['import', 'test/conformance/dumpdata.json']);
  expect(await manage(['users', '--search', 'EXAMPLE.com', '--limit', '2'])).toMatchObject({
    code: 0,
    stdout: '2\tadmin\tadmin@example.com\tsuperuser\n3\tstaff\tstaff@Example.com\tstaff\n',
    stderr: expect.stringContaining('2 of 4 users'),
  });
  for (const search of ['100%', '%a', '_@']) {
    expect((await manage(['users', '--search', search])).stdout).toBe('');
  }
});

test('users lists those without a token, too, and counts those it finds', async () => {
  await createAnn();
  await manage(['createuser', '--no-input', '--username', 'bob'], { env: ANN });
  await manage(['drf_create_token', 'bob']);
  expect(await manage(['users'])).toMatchObject({
    stdout: '1\tann\tAnn@example.com\tno token\n2\tbob\tAnn@example.com\t-\n',
  });
  expect((await manage(['users', '--search', 'ann@'])).stderr).toContain('2 users');
  expect((await manage(['users', '--search', 'bob'])).stderr).toContain('1 user\n');
});

test.each([
  [['frobnicate']],
  [['changepasword']],
  [['import']],
  [['import', 'a.json', '--on-conflict', 'guess']],
  [['users', '--limit', '0']],
  [['users', '--local', '--remote']],
])('%j is a mistake in usage', async (args) => {
  expect(await manage(args)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^error: .*\n$/),
  });
});

test.each([
  'import',
  'export',
  'createsuperuser',
  'createuser',
  'changepassword',
  'drf_create_token',
  'deactivate',
  'activate',
  'users',
  'sendtestemail',
  'doctor',
])('%s --help has an example', async (command) => {
  expect(await manage([command, '--help'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`Example:\n  $ npm run manage -- ${command}`),
  });
});

test('setstaff and setsuperuser grant what Django grants, and their opposites take it away', async () => {
  await createAnn();
  const rights = async () => (await query(USER)).map((row) => [row.is_staff, row.is_superuser]);
  const run = async (command: string) => (await manage([command, 'ann'])).stdout;
  expect(await run('setstaff')).toBe("User 'ann' is staff\n");
  expect(await rights()).toEqual([[1, 0]]);
  expect(await run('unsetstaff')).toBe("User 'ann' is not staff\n");
  expect(await rights()).toEqual([[0, 0]]);
  expect(await run('setsuperuser')).toBe("User 'ann' is superuser\n");
  expect(await rights()).toEqual([[1, 1]]);
  expect(await manage(['unsetstaff', 'ann'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("user 'ann' is a superuser: run `unsetsuperuser ann` first"),
  });
  expect(await run('unsetsuperuser')).toBe("User 'ann' is not superuser\n");
  expect(await rights()).toEqual([[1, 0]]);
});

test('changeemail changes the address, and refuses what a registration refuses', async () => {
  await createAnn();
  expect(await manage(['changeemail', 'ann', 'new@EXAMPLE.com'])).toMatchObject({
    code: 0,
    stdout: "Address of user 'ann' changed from 'Ann@example.com' to 'new@example.com'\n",
  });
  expect(await query(USER)).toMatchObject([{ email: 'new@example.com' }]);
  expect(await manage(['changeemail', 'ann', 'no address'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Error: Enter a valid email address.'),
  });
  expect(await query(USER)).toMatchObject([{ email: 'new@example.com' }]);
});

test('drf_delete_token ends the session and prints no token', async () => {
  await createAnn();
  await manage(['drf_create_token', 'ann']);
  expect(await manage(['drf_delete_token', 'ann'])).toMatchObject({
    code: 0,
    stdout: "Deleted the token of user 'ann'\n",
  });
  expect(await query(TOKEN)).toEqual([]);
  expect(await manage(['drf_delete_token', 'ann'])).toMatchObject({
    code: 0,
    stdout: "User 'ann' has no token\n",
  });
});

test('deleteuser deletes the user and the token, if the operator confirms', async () => {
  await createAnn();
  await manage(['drf_create_token', 'ann']);
  expect(await manage(['deleteuser', 'ann'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('this deletes a user: use --yes to confirm'),
  });
  expect(await manage(['deleteuser', 'ann'], { keys: ['n'] })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Operation cancelled.'),
  });
  expect(await query(USER)).toHaveLength(1);
  expect(await manage(['deleteuser', 'ann', '--yes'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^Deleted user 'ann' \(id \d+, Ann@example\.com\) and the token\n$/,
    ),
  });
  expect([await query(USER), await query(TOKEN)]).toEqual([[], []]);
});

test('deleteuser does not delete a user if rows of other tables refer to the user', async () => {
  await createAnn();
  await query('CREATE TABLE rock (owner_id integer REFERENCES auth_user (id))');
  await query('INSERT INTO rock SELECT id FROM auth_user');
  try {
    expect(await manage(['deleteuser', 'ann', '--yes'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /rows of other tables refer to user .*: 1 row of rock \(owner_id\)\./,
      ),
    });
    expect(await query(USER)).toHaveLength(1);
  } finally {
    await query('DROP TABLE rock');
  }
});

test('deleteuser does what the references of other tables say', async () => {
  await createAnn();
  await query(
    'CREATE TABLE rock (owner_id integer REFERENCES auth_user (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)',
  );
  await query('INSERT INTO rock SELECT id FROM auth_user');
  try {
    expect(await manage(['deleteuser', 'ann', '--yes'])).toMatchObject({ code: 0 });
    expect(await query(USER)).toEqual([]);
    expect(await query('SELECT owner_id FROM rock')).toEqual([]);
  } finally {
    await query('DROP TABLE rock');
  }
});

test('deleteuser names a row that refers to a row that would be deleted with the user', async () => {
  await createAnn();
  await query(
    'CREATE TABLE rock (id integer PRIMARY KEY, owner_id integer REFERENCES auth_user (id) ON DELETE CASCADE)',
  );
  await query('CREATE TABLE photo (rock_id integer REFERENCES rock (id))');
  await query('INSERT INTO rock SELECT 1, id FROM auth_user');
  await query('INSERT INTO photo VALUES (1)');
  try {
    expect(await manage(['deleteuser', 'ann', '--yes'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^CommandError: the database refuses to delete user 'ann' .*a row that refers to a row of the user/m,
      ),
    });
    expect(await query(USER)).toHaveLength(1);
  } finally {
    await query('DROP TABLE photo');
    await query('DROP TABLE rock');
  }
});

test('only commands that write have --yes', async () => {
  const helpOf = async (command: string) => (await manage([command, '--help'])).stdout;
  for (const command of ['import', 'deleteuser', 'setstaff']) {
    expect(await helpOf(command)).toContain('--yes');
  }
  for (const command of ['export', 'users', 'doctor', 'sendtestemail']) {
    expect(await helpOf(command)).not.toContain('--yes');
  }
});

test('users lists more users than one query reads', async () => {
  await query(
    `WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 2500)
     INSERT INTO auth_user SELECT value, '!', NULL, 0, 'user' || value, '', '', 0, 1,
       '2024-03-18 02:30:00', '' FROM n`,
  );
  const { stdout, stderr } = await manage(['users', '--limit', '2400']);
  expect(stdout.split('\n').map((line) => line.split('\t')[0])).toEqual([
    ...Array.from({ length: 2400 }, (_, i) => String(i + 1)),
    '',
  ]);
  expect(stderr).toBe(
    'Showing 2,400 of 2,500 users. Use --search to filter or --limit to show more.\n',
  );
});
