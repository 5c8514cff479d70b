/** Fixtures as a real `manage.py loaddata` read them (test/conformance/loaddata-cases.json). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { doctor } from '../../src/manage/doctor.ts';
import { exportAccounts } from '../../src/manage/export.ts';
import { type ImportOptions, importFiles } from '../../src/manage/import.ts';
import recorded from '../conformance/loaddata-cases.json' with { type: 'json' };
import { useLocalD1 } from '../helpers/local-d1.ts';
import { token, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const Rows = v.array(v.record(v.string(), v.union([v.string(), v.number(), v.null()])));

/** `refused`: what Django answered; nothing was written. */
const Cases = v.array(
  v.object({
    id: v.string(),
    files: v.array(v.array(v.unknown())),
    expect: v.object({ users: Rows, tokens: Rows, refused: v.optional(v.string()) }),
  }),
);

/** Cases that loaddata refuses and the import accepts, deliberately. */
const DIFFERENT = ['a token without created', 'a model nobody knows'];

const cases = v.parse(Cases, recorded.cases);
const alike = cases.filter(({ id }) => !DIFFERENT.includes(id));

const database = useLocalD1();

/** The messages for the operator. */
let output = '';

beforeEach(() => {
  output = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      output += text;
      return true;
    });
  }
});

async function load(files: unknown[][], options: Partial<ImportOptions> = {}): Promise<void> {
  const directory = temporaryDirectory();
  const paths = files.map((records, i) => {
    const path = join(directory, `f${i}.json`);
    writeFileSync(path, JSON.stringify(records));
    return path;
  });
  await importFiles(database(), paths, { onConflict: 'fail', ...options }, ['import', ...paths]);
}

const rows = async (sql: string) => (await database().d1.prepare(sql).all()).results;

const tables = async () => ({
  users: await rows('SELECT * FROM auth_user ORDER BY id'),
  tokens: await rows('SELECT * FROM authtoken_token ORDER BY key'),
});

/** A moment not before `start`, in Django's text. */
const since = (start: number) =>
  expect.toSatisfy(
    (value: unknown) =>
      /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{6})?$/.test(String(value)) &&
      Date.parse(`${value}Z`) >= start,
  );

const withNow = (expected: v.InferOutput<typeof Rows>, start: number) =>
  expected.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, value === '<now>' ? since(start) : value]),
    ),
  );

test('every recorded case is tried', () => {
  expect(cases).toHaveLength(32);
  expect(alike).toHaveLength(cases.length - DIFFERENT.length);
});

test.each(alike)('loaddata: $id', async ({ files, expect: { users, tokens, refused } }) => {
  const start = Date.now();
  const loading = load(files);
  if (refused === undefined) await loading;
  else await expect(loading).rejects.toThrow(/^.*f0\.json: record \d+ \(/);
  expect(await tables()).toEqual({ users: withNow(users, start), tokens });
});

test('a token without `created` gets the moment of import', async () => {
  const start = Date.now();
  const { files } = recordedCase('a token without created');
  await load(files);
  expect((await tables()).tokens).toEqual([
    { key: 'fa2eba9be8282d595c997ee5cd49f2ed31f65bed', created: since(start), user_id: 1 },
  ]);
});

test('records of other models are skipped and counted', async () => {
  const { files } = recordedCase('a model nobody knows');
  await load(files);
  expect(output).toContain('\nIgnored:         rockapi.rock (1)\n');
  expect((await tables()).users).toMatchObject([{ id: 1, username: 'meg' }]);
});

/** With a natural primary key, and without what has a default. */
const minimal = (username: string) => ({ model: 'auth.user', fields: { username, password: '!' } });

test('loading minimal records again is no conflict, whatever the moment', async () => {
  const files = [
    [minimal('meg'), minimal('ann')],
    [{ ...token('a', ['meg']), created: undefined }],
  ];
  await load(files);
  const before = await tables();
  await load(files);
  expect(output).toContain('2 already here, 0 in conflict');
  expect(await tables()).toEqual(before);
});

test('a natural key is that of the user in the database, and a new one comes after all ids', async () => {
  await load([[user(1), user(9)]]);
  await database().d1.exec('DELETE FROM auth_user WHERE id = 9');
  await load([[minimal('ann'), { ...user(1), pk: undefined }, token('a', ['user1'])]], {
    onConflict: 'update',
  });
  expect(await tables()).toMatchObject({
    users: [
      { id: 1, username: 'user1' },
      { id: 10, username: 'ann' },
    ],
    tokens: [{ key: 'a', user_id: 1 }],
  });
});

test('tokens may come after their users, in an import of their own', async () => {
  await load([[user(1), user(2), user(3)]]);
  await load([[token('a', 1)]], { matchUsersBy: 'id' });
  await load([[token('b', ['user2'])]], { matchUsersBy: 'username' });
  expect(output).toContain('Users imported:  0\nTokens imported: 1\n');
  expect((await tables()).tokens).toMatchObject([
    { key: 'a', user_id: 1 },
    { key: 'b', user_id: 2 },
  ]);

  await load([[token('a', 1)]], { matchUsersBy: 'id' });
  await load([[token('b', ['user2'])]], { matchUsersBy: 'username' });
  const again = 'Tokens imported: 0\nSkipped:         1 already here, 0 in conflict\n';
  expect(output.split(again)).toHaveLength(3);
});

test.each([
  ['another token', token('b', 1), 'user1 (id 1) is in the database with other values'],
  ['a token of another user', token('a', 2), 'user2 (id 2) has the token of another user'],
])('a token without its user stops at a conflict: %s', async (_, record, conflict) => {
  await load([[user(1), user(2), token('a', 1)]]);
  const before = await tables();
  await expect(load([[record]], { matchUsersBy: 'id' })).rejects.toThrow(
    '1 conflict, nothing is written',
  );
  expect(output).toContain(conflict);
  expect(await tables()).toEqual(before);
});

test('a token that was revoked here does not come back with a second import', async () => {
  const files = [[user(1), token('a', 1)]];
  await load(files);
  await database().d1.exec('DELETE FROM authtoken_token');
  await expect(load(files)).rejects.toThrow('1 conflict, nothing is written');
  expect((await tables()).tokens).toEqual([]);
});

test('what is written broken, as in Django, the report and `doctor` name', async () => {
  await load([
    [
      user(1, { username: 'plain', password: 'ducharme' }),
      user(2, { username: 'dollar', password: 'du$char$me' }),
      user(3, { username: '', password: '!' }),
      user(4, { username: 'keyless', password: 'pbkdf2_sha256$1000$salt' }),
      token('', 4),
      user(5, { username: 'spaced' }),
      token('a b', 5),
    ],
  ]);
  expect(output).toContain(
    'No valid password hash (3 users): plain, dollar, keyless. Django cannot log them in either.',
  );
  expect(output).toContain('1 blank username. A login cannot name them: id 3\n');
  expect(output).toContain(
    '2 tokens that no request can send, empty or with white space, of: keyless, spaced. Replace',
  );

  await doctor(database());
  expect(output).toContain(
    'WARNING    Users without a valid password hash: 3: no password is right. Set one with ' +
      '`changepassword`: plain (id 1), dollar (id 2), keyless (id 4)\n',
  );
  expect(output).toMatch(/WARNING {2}Blank usernames: 1: .* \(id 3\)\n/);
  expect(output).toMatch(
    /WARNING {2}Tokens that no request .*: 2: .*: keyless \(id 4\), spaced \(id 5\)\n/,
  );
  expect(output).not.toContain('char');
});

test('a refusal names the file and the record', async () => {
  await expect(load([[user(1)], [token('a', 1), token('b', 2)]])).rejects.toThrow(
    /f1\.json: record 2 \(authtoken\.token\): its user 2 is not in the files$/,
  );
  await expect(load([[user(1)], [user(2), user(3, { username: 'user1' })]])).rejects.toThrow(
    /f1\.json: record 2 \(auth\.user\): there is a user of the same username before it$/,
  );
  expect((await tables()).users).toEqual([]);
});

test('ids below 1, which SQLite has, come out again', async () => {
  await load([[user(0), user(-5), token('a', -5)]]);
  const directory = temporaryDirectory();
  const path = join(directory, 'out.json');
  await exportAccounts(database(), path, 'json', {}, ['export', path]);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject([
    { pk: -5 },
    { pk: 0 },
    { pk: 'a', fields: { user: -5 } },
  ]);
});

test('after a failed write all written users are complete, and another import adds the rest', async () => {
  const total = 6000;
  const ids = Array.from({ length: total }, (_, i) => i + 1);
  const files = [ids.map((id) => user(id)), ids.map((id) => token(`token${id}`, id))];
  const trigger = `CREATE TRIGGER full BEFORE INSERT ON authtoken_token WHEN NEW.user_id = ${total}
    BEGIN SELECT RAISE(ABORT, 'disk full'); END`;
  await database().d1.prepare(trigger).run();
  onTestFinished(async () => {
    await database().d1.exec('DROP TRIGGER IF EXISTS full');
  });
  await expect(load(files)).rejects.toThrow('disk full');
  await database().d1.exec('DROP TRIGGER full');
  const written = (await tables()).users.length;
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThan(total);
  expect((await tables()).tokens).toHaveLength(written);
  expect(output).toContain(
    `\n${written.toLocaleString('en-US')} users were written, each with its token: start again with --on-conflict skip\n`,
  );

  await load(files, { onConflict: 'skip' });
  expect((await tables()).users).toHaveLength(total);
  expect((await tables()).tokens).toHaveLength(total);
});

function recordedCase(id: string) {
  const found = cases.find((recorded) => recorded.id === id);
  if (!found) throw new Error(`no case "${id}"`);
  return found;
}
