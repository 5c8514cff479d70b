/** Files of projects with a user model of their own (test/conformance/custom-users-cases.json). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { runManage } from '../../src/manage/program.ts';
import recorded from '../conformance/custom-users-cases.json' with { type: 'json' };
import { useLocalD1 } from '../helpers/local-d1.ts';
import { token, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const Rows = v.array(v.record(v.string(), v.union([v.string(), v.number(), v.null()])));
const Counts = v.record(v.string(), v.number());

const Case = v.object({
  id: v.string(),
  files: v.array(v.string()),
  args: v.array(v.string()),
  expect: v.object({
    users: Rows,
    tokens: Rows,
    report: v.object({
      dropped: Counts,
      newIds: v.boolean(),
      inGroupsOrWithPermissions: v.number(),
      hashes: Counts,
      ignored: Counts,
    }),
  }),
});

const Refusal = v.object({
  id: v.string(),
  files: v.array(v.string()),
  args: v.array(v.string()),
  before: v.optional(v.string()),
});

const cases = v.parse(v.array(Case), recorded.cases);
const refusals = v.parse(v.array(Refusal), recorded.refusals);

const DUMP = 'custom-users/a/dumpdata-users-tokens.json';
const DATABASE = 'custom-users/c/db.sqlite3';
const UUIDS = 'custom-users/d/dumpdata-users-tokens.json';

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

const pathOf = (file: string) => join('test/conformance', file);

/** @returns the exit code */
const run = (...args: string[]) =>
  runManage(['import', ...args], (_where, _access, work) => work(database()));

const load = (files: string[], args: string[] = []) => run(...files.map(pathOf), ...args);

/** Loads records from a file. */
function loadRecords(records: unknown[], ...args: string[]) {
  const path = join(temporaryDirectory(), 'dump.json');
  writeFileSync(path, JSON.stringify(records));
  return run(path, ...args);
}

const rows = async (sql: string) => v.parse(Rows, (await database().d1.prepare(sql).all()).results);

/** Datetimes are compared as moments: a fraction of zero is none. */
const DATETIMES = ['last_login', 'date_joined', 'created'];

const withMoments = (row: v.InferOutput<typeof Rows>[number]): v.InferOutput<typeof Rows>[number] =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      DATETIMES.includes(name) && typeof value === 'string' ? value.replace(/\.0+$/, '') : value,
    ]),
  );

const byText = (column: string) => (a: Record<string, unknown>, b: Record<string, unknown>) =>
  String(a[column]) < String(b[column]) ? -1 : 1;

const usersByName = async () =>
  (await rows('SELECT * FROM auth_user ORDER BY username')).map(withMoments);

test('every recorded case is tried', () => {
  expect(cases).toHaveLength(36);
  expect(refusals).toHaveLength(24);
});

describe.each(cases)('import of $id', ({ files, args, expect: { users, tokens, report } }) => {
  test('writes the expected rows and reports what is left out', async () => {
    const start = Date.now();
    expect(await load(files, [...args, '--inactive-users', 'waiting'])).toBe(0);

    const found = await usersByName();
    const idOf = (name: string) => found.find(({ username }) => username === name)?.id;
    const isNow = expect.toSatisfy((text) => Date.parse(`${text}Z`) >= start - 1000);
    const expected = users
      .map(withMoments)
      .map((row) => ({
        ...row,
        ...(report.newIds ? { id: idOf(String(row.username)) } : {}),
        ...(row.date_joined === '<now>' ? { date_joined: isNow } : {}),
      }))
      .sort(byText('username'));
    expect(found).toEqual(expected);
    expect(found.every(({ id }) => Number.isInteger(id))).toBe(true);

    const tokensHere = await rows('SELECT key, created, user_id FROM authtoken_token ORDER BY key');
    expect(tokensHere.map(withMoments)).toEqual(
      tokens
        .map(withMoments)
        .map((row) => {
          const [, name] = /^<id of (.*)>$/.exec(String(row.user_id)) ?? [];
          return name === undefined ? row : { ...row, user_id: idOf(name) };
        })
        .sort(byText('key')),
    );

    expect(countsOf('Field dropped', / \((\d+) users?\)$/)).toEqual(report.dropped);
    expect(countsOf('Passwords', / \(([\d,]+)\)$/)).toEqual(report.hashes);
    expect(countsOf('Ignored', / \(([\d,]+)\)$/)).toEqual(report.ignored);
    expect(output).toContain(`${report.inGroupsOrWithPermissions} users in groups`);
    // A dump with natural keys has no ids.
    const hasUuids = report.newIds && !files[0]?.includes('natural');
    expect(output.includes('with a UUID in Django')).toBe(hasUuids);
    expect(output.includes('no table authtoken_token')).toBe(files[0]?.includes('users-only'));
  });
});

/** The lines of a kind in the report: their names and numbers. */
function countsOf(kind: string, count: RegExp): Record<string, number> {
  return Object.fromEntries(
    output
      .split('\n')
      .filter((line) => line.startsWith(`${kind}:`))
      .map((line) => line.slice(kind.length + 1).trim())
      .map((line) => [line.replace(count, ''), Number(count.exec(line)?.[1])]),
  );
}

test.each(refusals)('refused: $id', async ({ files, args, before }) => {
  if (before !== undefined) expect(await load([before])).toBe(0);
  const usersBefore = await usersByName();
  const tokensBefore = await rows('SELECT * FROM authtoken_token');
  output = '';
  expect(await load(files, args)).toBe(1);
  expect(await usersByName()).toEqual(usersBefore);
  expect(await rows('SELECT * FROM authtoken_token')).toEqual(tokensBefore);
  expect(output).toContain('users.user (12 records)');
  const command = `npm run manage -- import ${files.map(pathOf).join(' ')} --user-model users.user`;
  expect(output).toContain(command);
});

describe('a custom user model', () => {
  test('is found without regard to case', async () => {
    expect(await load([DUMP], ['--user-model', 'USERS.user'])).toBe(0);
    expect(await usersByName()).toHaveLength(12);
  });

  test.each([
    [['--user-model', 'users'], 'expected APP.MODEL'],
    [['--user-model', 'users.Usr'], 'seems to be users.user (12 records)'],
    [['--user-model', 'users.User', '--map', 'is_staff'], 'expected FIELD=THEIRS'],
    [['--user-model', 'users.User', '--map', 'id=number'], 'expected FIELD=THEIRS'],
    [
      ['--user-model', 'users.User', '--map', 'is_staff=is_boss'],
      'users.user has no field is_boss',
    ],
  ])('%s is refused', async (args, message) => {
    for (const file of [DUMP, DATABASE]) {
      output = '';
      expect(await load([file], args)).toBe(1);
      expect(output).toContain(message);
    }
    expect(await usersByName()).toEqual([]);
  });

  test('without a username or an address needs the field of the login', async () => {
    const fields = { password: '!', handle: 'ann' };
    const record = { model: 'people.person', pk: 1, fields };
    const options = ['--user-model', 'people.Person'];
    expect(await loadRecords([record], ...options)).toBe(1);
    expect(output).toContain('name the field that users log in with, by --map username=FIELD');
    expect(await loadRecords([record], ...options, '--map', 'username=handle')).toBe(0);
    expect(await usersByName()).toMatchObject([{ id: 1, username: 'ann', email: '' }]);
  });

  test('with UUIDs can be imported again, in either order of users and tokens', async () => {
    const records = v.parse(
      v.array(v.looseObject({ model: v.string() })),
      JSON.parse(readFileSync(pathOf(UUIDS), 'utf8')),
    );
    const options = ['--user-model', 'users.User', '--map', 'date_joined=created_at'];
    expect(await loadRecords(records, ...options)).toBe(0);
    const before = [await usersByName(), await rows('SELECT * FROM authtoken_token ORDER BY key')];
    expect(await loadRecords(records.toReversed(), ...options)).toBe(0);
    expect(output).toContain('Skipped:         12 already here, 0 in conflict');
    expect([await usersByName(), await rows('SELECT * FROM authtoken_token ORDER BY key')]).toEqual(
      before,
    );
  });

  test('with UUIDs gives no user the id of another one', async () => {
    await loadRecords([user(1, { username: 'first' }), user(7, { username: 'seventh' })]);
    expect(await load([UUIDS], ['--user-model', 'users.User'])).toBe(0);
    const users = await rows('SELECT id, username FROM auth_user ORDER BY id');
    expect(users.slice(0, 2)).toEqual([
      { id: 1, username: 'first' },
      { id: 7, username: 'seventh' },
    ]);
    expect(users.slice(2).map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, i) => 8 + i));
  });
});

describe('a token of a user who is not in the files', () => {
  const ANN = user(1, { username: 'ann' });

  test.each([
    ['by id', 1, 'id'],
    ['by username', ['ann'], 'username'],
  ])('%s is refused, unless --match-users-by says so', async (_, reference, match) => {
    await loadRecords([ANN]);
    const record = token('a'.repeat(40), reference);
    expect(await loadRecords([record])).toBe(1);
    expect(await rows('SELECT * FROM authtoken_token')).toEqual([]);
    expect(await loadRecords([record], '--match-users-by', match)).toBe(0);
    expect(await rows('SELECT user_id FROM authtoken_token')).toEqual([{ user_id: 1 }]);
  });
});
