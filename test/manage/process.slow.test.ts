/** Facts that only a process shows of `manage`: exit codes, and what comes by which stream. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { verifyPassword } from '../../src/hashing/hashers.ts';
import { manageProcess, useDatabases } from '../helpers/manage-process.ts';
import { withoutGroups } from '../helpers/records.ts';
import { migrate } from '../helpers/server.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

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
    stderr: expect.stringMatching(
      /CommandError: the database has no table \w+ yet: run `npm run wrangler -- d1 migrations apply DB --local --persist-to \S+`\n$/,
    ),
  });
});

test('a reader that ends early is no error', async () => {
  const { persistTo, query } = freshDatabase();
  query(
    `WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 20000)
     INSERT INTO auth_user SELECT value, '!', NULL, 0, 'user' || value, '', '', 0, 1,
       '2024-03-18 02:30:00', '' FROM n`,
  );
  const command = `npm run --silent manage -- users --limit 20000 --persist-to '${persistTo}'`;
  const { stdout, stderr } = spawnSync(
    'bash',
    ['-c', `${command} | head -1; echo "\${PIPESTATUS[0]}"`],
    { encoding: 'utf8' },
  );
  expect(stdout).toBe('1\tuser1\t-\tno token\n0\n');
  expect(stderr).not.toContain('EPIPE');
});

test.each([
  ['users', 0],
  ['export -', 0],
  ['deactivate staff', 0],
  [`import ${DUMP} --on-conflict skip`, 0],
  ['deactivate nobody', 1],
  // It names the conflict, and then fails.
  [`import ${DUMP}`, 1],
])('%s exits with %i if the reader of its output has closed the pipe', async (line, expected) => {
  const { manage, query } = freshDatabase();
  await manage(['import', DUMP]);
  query("UPDATE auth_user SET email = 'other@example.com' WHERE username = 'staff'");
  const { code, stderr } = await manage(line.split(' '), { closesOutput: true });
  expect({ code, stderr }).toEqual({
    code: expected,
    stderr: expect.not.stringMatching(/EPIPE|node:/),
  });
  const [staff] = query("SELECT is_active FROM auth_user WHERE username = 'staff'");
  expect(staff).toEqual({ is_active: line === 'deactivate staff' ? 0 : 1 });
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

const MB = 1_000_000;

function write(text: string): string {
  const path = join(temporaryDirectory(), 'crafted.json');
  writeFileSync(path, text);
  return path;
}

test.each([
  ['one long text', () => write(`[{"model": "auth.user", "pk": "${'x'.repeat(200 * MB)}"}]`)],
  ['a text that is no array', () => write(`"${'x'.repeat(200 * MB)}"`)],
  ['nothing but brackets', () => write('['.repeat(20 * MB))],
  [
    'millions of small arrays',
    () => write(`[${JSON.stringify({ model: 'a.b' })}, [${'[0],'.repeat(10 * MB)}0]]`),
  ],
  [
    'an SQLite database with one long text',
    () => {
      const path = join(temporaryDirectory(), 'crafted.sqlite3');
      writeFileSync(path, readFileSync('test/conformance/django.sqlite3'));
      const db = new DatabaseSync(path);
      db.exec(`UPDATE auth_user SET first_name = printf('%.*c', ${200 * MB}, 'x') WHERE id = 1`);
      db.close();
      return path;
    },
  ],
])('an import of %s ends in a message', async (_, create) => {
  const { manage } = freshDatabase();
  expect(await manage(['import', create()])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /\nCommandError: \S+: (not a JSON array|(record|auth_user row) \d+).*\n$/,
    ),
  });
});

test('the local database is readable by its owner only', async () => {
  const persistTo = join(temporaryDirectory(), 'state');
  migrate({ persistTo });
  await manageProcess(['import', DUMP, '--persist-to', persistTo]);
  const files = readdirSync(persistTo, { recursive: true, encoding: 'utf8' });
  expect(files.filter((file) => file.endsWith('.sqlite'))).not.toEqual([]);
  const rightsOfOthers = files.map((file) => statSync(join(persistTo, file)).mode & 0o077);
  expect(new Set(rightsOfOthers)).toEqual(new Set([0]));
});
