/** What only a process of its own shows of `manage`: exit codes, and what comes by which stream. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { verifyPassword } from '../../src/auth/passwords/hashers.ts';
import { manageProcess, useDatabases } from '../helpers/manage-process.ts';
import { withoutGroups } from '../helpers/records.ts';

const DUMP = 'test/conformance/dumpdata.json';

const freshDatabase = useDatabases();

test('a fixture comes by standard input and goes to standard output, which has nothing else', async () => {
  const { manage } = freshDatabase();
  const input = readFileSync(DUMP, 'utf8');
  expect(await manage(['import', '-'], { input })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Users imported:  26'),
    stderr: expect.stringMatching(/^Database edge-authtoken \(DB\), local in \S+\n/),
  });
  // wrangler has much to say then.
  const { stdout } = await manage(['export', '-'], { env: { WRANGLER_LOG: 'debug' } });
  expect(withoutGroups(JSON.parse(stdout))).toEqual(withoutGroups(JSON.parse(input)));
});

test('a password comes by a pipe, and is shown nowhere', async () => {
  const { manage, query } = freshDatabase();
  query(
    `INSERT INTO auth_user VALUES (1, '!', NULL, 0, 'ann', '', '', 0, 1, '2024-03-18 02:30:00', '')`,
  );
  const outcome = await manage(['changepassword', 'ann'], { input: 'new pass\nnew pass\n' });
  expect(outcome).toMatchObject({
    code: 0,
    stdout: "Password changed successfully for user 'ann'\n",
    stderr: expect.stringContaining("Changing password for user 'ann'\n"),
  });
  expect(outcome.stdout + outcome.stderr).not.toContain('new pass');
  const [user] = query('SELECT password FROM auth_user');
  expect((await verifyPassword('new pass', String(user?.password), 1)).isCorrect).toBe(true);
});

test('a database without tables is named as one', async () => {
  const { manage, query } = freshDatabase();
  query('DROP TABLE authtoken_token');
  query('DROP TABLE auth_user');
  expect(await manage(['users'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('CommandError: the database has no tables yet'),
  });
});

test('a mistake in usage exits with 2', async () => {
  expect(await manageProcess(['frobnicate'])).toEqual({
    code: 2,
    stdout: '',
    stderr: "error: unknown command 'frobnicate'\n",
  });
});

test('a remote command without a login says in one line what to do', async () => {
  const env = { CLOUDFLARE_API_TOKEN: '', HOME: '/nonexistent', XDG_CONFIG_HOME: '/nonexistent' };
  expect(await manageProcess(['users', '--remote'], { env })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^CommandError: .*`npm run wrangler -- login`.*\n$/),
  });
});
