import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { TOKEN_COLUMNS, USER_COLUMNS } from '../../src/store/operator/bulk.ts';
import { useManage } from '../helpers/manage.ts';
import { token, user, withoutGroups } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const { manage, query } = useManage();

const DUMP = 'test/conformance/dumpdata.json';
const DJANGO = 'test/conformance/django.sqlite3';

const USERS = 'SELECT * FROM auth_user ORDER BY id';
const TOKENS = 'SELECT * FROM authtoken_token ORDER BY key';

/** Every value with its type, as SQLite has them. */
const typed = (table: string, columns: string[]) =>
  `SELECT ${columns.map((name) => `${name}, typeof(${name}) AS type_of_${name}`).join(', ')} FROM ${table} ORDER BY 1`;
const TYPED = [typed('auth_user', USER_COLUMNS), typed('authtoken_token', TOKEN_COLUMNS)];

function dump(...records: unknown[]): string {
  const path = join(temporaryDirectory(), 'dump.json');
  writeFileSync(path, JSON.stringify(records));
  return path;
}

const recordsOf = (path: string) => withoutGroups(JSON.parse(readFileSync(path, 'utf8')));

test('a dump that went in comes out again, record by record', async () => {
  expect(await manage(['import', DUMP])).toMatchObject({
    code: 0,
    stdout:
      'Users imported:  26\nTokens imported: 23\nSkipped:         0 already here, 0 in conflict\n' +
      'Passwords:       pbkdf2_sha256 (21)\nPasswords:       unusable (2)\n' +
      'Passwords:       pbkdf2_sha1 (1)\nPasswords:       malformed (2)\n',
  });

  const exported = join(temporaryDirectory(), 'edge.json');
  expect(await manage(['export', exported])).toMatchObject({ code: 0 });
  expect(recordsOf(exported)).toEqual(recordsOf(DUMP));
  expect(statSync(exported).mode & 0o777).toBe(0o600);
});

test('an SQLite file that went in comes out again, value and type alike', async () => {
  await manage(['import', DJANGO]);
  const exported = join(temporaryDirectory(), 'edge.sqlite3');
  expect(await manage(['export', exported])).toMatchObject({ code: 0 });

  expect(statSync(exported).mode & 0o777).toBe(0o600);

  const [ours, django] = [new DatabaseSync(exported), new DatabaseSync(DJANGO, { readOnly: true })];
  for (const sql of TYPED) expect(ours.prepare(sql).all()).toEqual(django.prepare(sql).all());
  const schema = `SELECT type, name, tbl_name FROM sqlite_master ORDER BY name`;
  expect(ours.prepare(schema).all()).toEqual(django.prepare(schema).all());
  const sequence = `SELECT seq FROM sqlite_sequence WHERE name = 'auth_user'`;
  expect(ours.prepare(sequence).get()).toEqual(django.prepare(sequence).get());
});

test.each([DUMP, DJANGO])('importing %s again changes nothing', async (file) => {
  await manage(['import', file]);
  const before = [await query(USERS), await query(TOKENS)];
  expect(await manage(['import', file])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('26 already here, 0 in conflict'),
  });
  expect([await query(USERS), await query(TOKENS)]).toEqual(before);
});

test('a dry run reports and writes nothing', async () => {
  expect(await manage(['import', DUMP, '--dry-run'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Users would be imported:  26'),
  });
  expect(await query(USERS)).toEqual([]);
});

test('of a broken file nothing is written', async () => {
  const file = dump(user(1), token('a', 1), token('b', 2));
  expect(await manage(['import', file])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /\nCommandError: .*dump\.json: record 3 \(authtoken\.token\): its user 2 is not in the files\n$/,
    ),
  });
  expect(await query(USERS)).toEqual([]);
});

test('a conflict stops an import before it writes, unless told what to do', async () => {
  await manage(['import', dump(user(1), token('a', 1))]);
  const changed = dump(
    user(1, { email: 'new@example.com' }),
    token('b', 1),
    user(2),
    token('c', 2),
  );

  expect(await manage(['import', changed])).toMatchObject({
    code: 1,
    stdout: 'Conflicts: 1\n  user1 (id 1) is in the database with other values\n',
    stderr: expect.stringMatching(
      /CommandError: 1 conflict, nothing is written\. For the same user .* skip keeps .* update takes .*\.\n$/,
    ),
  });
  expect(await query(USERS)).toHaveLength(1);

  expect(await manage(['import', changed, '--on-conflict', 'skip'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('0 already here, 1 in conflict'),
  });
  expect(await query(USERS)).toMatchObject([{ email: '' }, { username: 'user2' }]);
  expect(await query(TOKENS)).toMatchObject([{ key: 'a' }, { key: 'c' }]);

  expect(await manage(['import', changed, '--on-conflict', 'update'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Users updated:   1'),
  });
  expect(await query(USERS)).toMatchObject([{ email: 'new@example.com' }, { username: 'user2' }]);
  expect(await query(TOKENS)).toMatchObject([{ key: 'b', user_id: 1 }, { key: 'c' }]);
});

test('an update does not give the id, name or token of one user to another', async () => {
  await manage(['import', dump(user(1), token('a', 1), user(2))]);
  const before = [await query(USERS), await query(TOKENS)];
  const strangers = dump(
    user(1, { username: 'other' }),
    user(3, { username: 'user2' }),
    user(4),
    token('a', 4),
  );

  expect(await manage(['import', strangers, '--on-conflict', 'update'])).toMatchObject({
    code: 1,
    stdout: [
      'Conflicts: 3',
      '  other (id 1) has the id of another user in the database',
      '  user2 (id 3) has the username of another user in the database',
      '  user4 (id 4) has the token of another user in the database',
      '',
    ].join('\n'),
  });
  expect([await query(USERS), await query(TOKENS)]).toEqual(before);
});

test('what is taken by test users is resolved in one step: they are deleted, or skipped', async () => {
  await manage(['import', dump(user(1, { username: 'test1' }), user(2, { username: 'test2' }))]);
  const files = dump(user(1), token('a', 1), user(2), user(3));
  for (const choice of ['fail', 'update']) {
    const { code, stderr } = await manage(['import', files, '--on-conflict', choice]);
    expect(code).toBe(1);
    expect(stderr).toContain('2 conflicts, nothing is written. An id, username or token of');
    expect(stderr).toContain('delete them and import again');
    expect(stderr).toContain('--new-ids gives another id to users whose id is taken.');
    expect(stderr).not.toContain('update');
  }

  expect(await manage(['import', files, '--on-conflict', 'skip'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('0 already here, 2 in conflict'),
  });
  expect(await query('SELECT username FROM auth_user ORDER BY id')).toEqual(
    ['test1', 'test2', 'user3'].map((username) => ({ username })),
  );

  await query('DELETE FROM auth_user WHERE id < 3');
  expect(await manage(['import', files])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 already here, 0 in conflict'),
  });
  expect(await query(TOKENS)).toMatchObject([{ key: 'a', user_id: 1 }]);
});

test('a conflict of each kind gets the advice for both', async () => {
  await manage(['import', dump(user(1, { username: 'test1' }), user(2))]);
  const { stderr } = await manage(['import', dump(user(1), user(2, { email: 'b@example.com' }))]);
  expect(stderr).toContain('2 conflicts, nothing is written. For the same user with other values');
  expect(stderr).toContain('An id, username or token of another user here stays with that user.');
});

test('a token that was created before the update stays', async () => {
  await manage(['import', dump(user(1))]);
  await manage(['drf_create_token', 'user1']);
  const before = await query(TOKENS);
  await manage(['import', dump(user(1, { email: 'new@example.com' })), '--on-conflict', 'update']);
  expect(await query(TOKENS)).toEqual(before);
});

test('a fixture that comes by standard input and is none is refused as such', async () => {
  expect(await manage(['import', '-'], { input: 'CommandError: no' })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /\nCommandError: standard input: not a JSON array of records.*; expected \[\{"model": "auth.user"/,
    ),
  });
});

test('a fixture that is named as gzip is written and read as gzip', async () => {
  const directory = temporaryDirectory();
  const zipped = join(directory, 'django.json.gz');
  writeFileSync(zipped, gzipSync(readFileSync(DUMP)));
  expect(await manage(['import', zipped])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Users imported:  26'),
  });

  const exported = join(directory, 'edge.json.gz');
  expect(await manage(['export', exported])).toMatchObject({ code: 0 });
  expect(statSync(exported).mode & 0o777).toBe(0o600);
  const records = JSON.parse(gunzipSync(readFileSync(exported)).toString());
  expect(withoutGroups(records)).toEqual(recordsOf(DUMP));
});

test('the report names users whose password only Django can check', async () => {
  const file = dump(
    user(1, { password: 'argon2$argon2id$v=19$m=131072,t=2,p=8$c29tZXNhbHQ$aGFzaA' }),
    user(2, { password: 'crypt$$abBnbvhnmongU' }),
    user(3, { password: 'd41d8cd98f00b204e9800998ecf8427e' }),
    user(4, { password: '!unusable' }),
    user(5, { password: 'gibberish' }),
    user(6, { username: 'ﬁ' }),
  );
  const { stderr } = await manage(['import', file, '--dry-run']);
  expect(stderr).toContain(
    'WARNING: Passwords stored as argon2: above the limits of this service (1 user): user1\n',
  );
  expect(stderr).toContain('stored as crypt: cannot be checked here (1 user): user2\n');
  expect(stderr).toContain(
    'stored as unsalted_md5: UnsaltedMD5PasswordHasher is not in PASSWORD_HASHERS (1 user): user3\n',
  );
  expect(stderr).toContain(
    'WARNING: No valid password hash (1 user): user5. Django cannot log them in',
  );
  expect(stderr).toContain(
    'WARNING: 1 username not in Unicode form NFKC. A login does not find them: ﬁ\n',
  );
  expect(stderr).not.toContain('user4');
});

test('an export does not write over a file', async () => {
  const file = dump(user(1));
  expect(await manage(['export', file])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`CommandError: ${file} exists already`),
  });
});

test('an export without users is an empty list', async () => {
  const file = join(temporaryDirectory(), 'empty.json');
  await manage(['export', file]);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([]);
});

test('an export whose name says no format asks for one', async () => {
  expect(await manage(['export', 'users.txt'])).toMatchObject({
    code: 2,
    stderr: "error: cannot tell the format of 'users.txt': give --format\n",
  });
});

test.each([
  [['export', '-', '--format', 'sqlite']],
  [['export', 'db.json.gz', '--format', 'sqlite']],
])('a database file is not what %j can write', async (args) => {
  expect(await manage(args)).toMatchObject({
    code: 2,
    stderr: 'error: an SQLite export needs a file name, and cannot be compressed\n',
  });
});

test.each([
  [2n ** 52n, 0],
  [2n ** 52n + 1n, 1],
])('an import numbers users after id %d: exit code %d', async (seq, code) => {
  await manage(['import', dump(user(1))]);
  await query(`UPDATE sqlite_sequence SET seq = ${seq} WHERE name = 'auth_user'`);
  const outcome = await manage(['import', dump({ ...user(2), pk: null })]);
  expect(outcome.code).toBe(code);
  if (code === 1) expect(outcome.stderr).toContain('the ids of the database are too high');
  expect(await query('SELECT id FROM auth_user WHERE id > 1')).toEqual(
    code === 0 ? [{ id: 2 ** 52 + 1 }] : [],
  );
});
