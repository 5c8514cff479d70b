/** Files of projects with a user model of their own (test/conformance/custom-users-cases.json). */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import recorded from '../conformance/custom-users-cases.json' with { type: 'json' };
import { useManage } from '../helpers/manage.ts';
import { token, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { databaseOfTwoModels } from '../helpers/two-user-models.ts';

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

const { manage, query } = useManage();

/** The messages of the last import. */
let output = '';

const pathOf = (file: string) => join('test/conformance', file);

/** @returns the exit code */
async function run(...args: string[]) {
  const { code, stdout, stderr } = await manage(['import', ...args]);
  output = stdout + stderr;
  return code;
}

const load = (files: string[], args: string[] = []) => run(...files.map(pathOf), ...args);

/** Loads records from a file. */
function loadRecords(records: unknown[], ...args: string[]) {
  const path = join(temporaryDirectory(), 'dump.json');
  writeFileSync(path, JSON.stringify(records));
  return run(path, ...args);
}

const rows = async (sql: string) => v.parse(Rows, await query(sql));

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
  expect(await load(files, args)).toBe(1);
  expect(await usersByName()).toEqual(usersBefore);
  expect(await rows('SELECT * FROM authtoken_token')).toEqual(tokensBefore);
  expect(output).toContain('users.user (12 records)');
  const words = [...files.map(pathOf), ...args, '--user-model users.user'];
  const command = `npm run manage -- import ${words.join(' ')}`;
  expect(output).toContain(command);
});

test('a token does not name a user by an id if the users of the files have none', async () => {
  const [ann, meg] = ['ann', 'meg'].map((username) => ({
    ...user(1, { username }),
    pk: undefined,
  }));
  for (const id of [1, 7]) {
    // `dumpdata --natural-primary` without `--natural-foreign`: here ann would be 1 and meg 2.
    expect(await loadRecords([ann, meg, token('of-meg', id)])).toBe(1);
    expect(output).toContain(`names its user by the id ${id}, but users of the files have no ids`);
  }
  expect(await usersByName()).toEqual([]);
});

describe('a custom user model', () => {
  test('is found without regard to case', async () => {
    expect(await load([DUMP], ['--user-model', 'USERS.user'])).toBe(0);
    expect(await usersByName()).toHaveLength(12);
  });

  test.each([
    [['--user-model', 'users'], 'expected APP.MODEL'],
    [['--user-model', 'users.Usr'], 'seems to be users.user (12 records)'],
    [['--map', 'is_staff=is_admin'], '--map needs --user-model'],
    [['--user-model', 'auth.User', '--map', 'is_staff=is_admin'], '--map needs --user-model'],
    [['--user-model', 'users.User', '--map', 'is_staff'], 'expected FIELD=THEIRS'],
    [['--user-model', 'users.User', '--map', 'id=number'], 'expected FIELD=THEIRS'],
    [
      ['--user-model', 'users.User', '--map', 'is_staff=is_boss'],
      'users.user has no field is_boss',
    ],
  ])('%s is refused', async (args, message) => {
    for (const file of [DUMP, DATABASE]) {
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

test('users of a database with UUIDs are found again, and are no conflict', async () => {
  const options = ['--user-model', 'users.User', '--map', 'date_joined=created_at'];
  await loadRecords([user(2, { username: 'stranger' }), token('s', 2)]);
  expect(await load(['custom-users/d/db.sqlite3'], options)).toBe(0);
  const before = [await usersByName(), await rows('SELECT * FROM authtoken_token ORDER BY key')];
  expect(await load(['custom-users/d/db.sqlite3'], options)).toBe(0);
  expect(output).toContain('Skipped:         12 already here, 0 in conflict');
  expect([await usersByName(), await rows('SELECT * FROM authtoken_token ORDER BY key')]).toEqual(
    before,
  );
});

describe('files with users of two models', () => {
  const OTHER = join(pathOf('custom-users'), 'strangers.json');

  test('are refused until the operator names one', async () => {
    expect(await run(OTHER, pathOf(DUMP), '--on-conflict', 'skip')).toBe(1);
    expect(await usersByName()).toEqual([]);
    const command = `npm run manage -- import ${OTHER} ${pathOf(DUMP)} --on-conflict skip`;
    expect(output).toContain(`${command} --user-model auth.user. `);
    expect(output).toContain(`${command} --user-model users.user`);
    expect(await run(OTHER, '--user-model', 'auth.User')).toBe(0);
  });

  test('are refused in a database without tokens, too', async () => {
    const path = databaseOfTwoModels();
    expect(await run(path)).toBe(1);
    expect(output).toContain('may be auth.user (1 records), or users.user (1 records)');
    expect(await usersByName()).toEqual([]);
    expect(await run(path, '--user-model', 'users.User')).toBe(0);
    expect(await usersByName()).toMatchObject([{ id: 1, username: 'new@example.com' }]);
  });
});

test('the command in a message keeps the options, and is quoted for a shell', async () => {
  const path = join(temporaryDirectory(), "ann's users.json");
  copyFileSync(pathOf(DUMP), path);
  const options = ['--user-model', 'users.Usr', '--user-table=usr', '--dry-run'];
  expect(await run(path, ...options, '--map', 'is_staff=is_staff')).toBe(1);
  const quoted = `'${path.replace("'", "'\\''")}'`;
  expect(output).toContain(
    `npm run manage -- import ${quoted} --dry-run --map is_staff=is_staff --user-model users.user\n`,
  );
});

describe('values that only a custom model has', () => {
  const LONG = `${'a'.repeat(160)}@example.com`;
  const MAPPED = ['username=login', 'date_joined=since'].flatMap((pair) => ['--map', pair]);
  const OPTIONS = ['--user-model', 'users.User', ...MAPPED];
  const record = (pk: number, fields: Record<string, unknown>) => ({
    model: 'users.user',
    pk,
    fields: { password: '!', last_login: null, ...fields },
  });

  const expected = [
    {
      id: 1,
      username: '491701234567',
      email: '',
      first_name: '',
      date_joined: '2024-03-18 00:00:00',
    },
    { id: 2, username: LONG, email: LONG, first_name: 'Ann' },
  ];

  test('are read from a fixture', async () => {
    const records = [
      record(1, { login: 491701234567, email: null, first_name: null, since: '2024-03-18' }),
      record(2, { login: LONG, email: LONG, first_name: 'Ann', since: null }),
    ];
    expect(await loadRecords(records, ...OPTIONS)).toBe(0);
    expect(await rows('SELECT * FROM auth_user ORDER BY id')).toMatchObject(expected);
  });

  test('are read from each record by its own fields', async () => {
    const records = [
      record(1, { login: 'one', email: 'one@example.com', team: 'a', since: '2024-03-18' }),
      record(2, { login: 'two', email: 'two@example.com', team: 'b', since: '2024-03-18' }),
      // As many fields, with other names.
      record(3, { login: 'three', first_name: 'Ann', color: 'red', since: '2024-03-18' }),
      record(4, { since: '2024-03-18', login: 'four', email: 'four@example.com', team: '' }),
    ];
    expect(await loadRecords(records, ...OPTIONS)).toBe(0);
    expect(await rows('SELECT username, email, first_name FROM auth_user ORDER BY id')).toEqual([
      { username: 'one', email: 'one@example.com', first_name: '' },
      { username: 'two', email: 'two@example.com', first_name: '' },
      { username: 'three', email: '', first_name: 'Ann' },
      { username: 'four', email: 'four@example.com', first_name: '' },
    ]);
    expect(countsOf('Field dropped', / \((\d+) users?\)$/)).toEqual({ team: 2, color: 1 });
  });

  test('are refused in the record that lacks a mapped field', async () => {
    const records = [
      record(1, { login: 'one', since: '2024-03-18' }),
      record(2, { login: 'two', joined: '2024-03-18' }),
    ];
    expect(await loadRecords(records, ...OPTIONS)).toBe(1);
    expect(output).toContain(
      'record 2 (users.user): --map date_joined=since: users.user has no field since',
    );
    expect(await usersByName()).toEqual([]);
  });

  test('are read from a database', async () => {
    const path = join(temporaryDirectory(), 'django.sqlite3');
    using db = new DatabaseSync(path);
    db.exec(`
      CREATE TABLE users_user (id integer PRIMARY KEY, password, last_login, login, email, first_name, since);
      INSERT INTO users_user VALUES (1, '!', NULL, 491701234567, NULL, NULL, '2024-03-18'),
        (2, '!', NULL, '${LONG}', '${LONG}', 'Ann', NULL)`);
    expect(await run(path, ...OPTIONS)).toBe(0);
    expect(await rows('SELECT * FROM auth_user ORDER BY id')).toMatchObject(expected);
  });
});

test('a file without users says that a user model can be named', async () => {
  // `last_login = None` in a model removes the field by which a user model is recognised.
  expect(await loadRecords([{ model: 'people.person', pk: 1, fields: { password: '!' } }])).toBe(0);
  expect(output).toContain('WARNING: The files have no user of auth.user.');
});

describe('a token of a user who is not in the files', () => {
  const ANN = user(1, { username: 'ann' });

  test.each([
    ['its id', token('t', 1), ['--match-users-by', 'username'], 'its user 1 is not in the files'],
    [
      'its username',
      token('t', ['ann']),
      ['--match-users-by', 'id'],
      'use --match-users-by username',
    ],
    [
      'a UUID',
      token('t', 'cd613e30-d8f1-6adf-91b7-584a2265b1f5'),
      ['--match-users-by', 'id'],
      'its user cd613e30d8f16adf91b7584a2265b1f5 is not in the files',
    ],
  ])('is refused if it names %s and something else is shared', async (_, record, args, message) => {
    await loadRecords([ANN]);
    expect(await loadRecords([record], ...args)).toBe(1);
    expect(output).toContain(message);
    expect(await rows('SELECT * FROM authtoken_token')).toEqual([]);
  });

  test('says that the user model can be named', async () => {
    expect(await loadRecords([token('t', 1)])).toBe(1);
    expect(output).toContain('If the project has its own user model, name it with --user-model');
  });

  test.each([
    ['by id', 1, 'id'],
    ['by username', ['ann'], 'username'],
  ])('%s is refused without --match-users-by', async (_, reference, match) => {
    await loadRecords([ANN]);
    const record = token('a'.repeat(40), reference);
    expect(await loadRecords([record])).toBe(1);
    expect(await rows('SELECT * FROM authtoken_token')).toEqual([]);
    expect(await loadRecords([record], '--match-users-by', match)).toBe(0);
    expect(await rows('SELECT user_id FROM authtoken_token')).toEqual([{ user_id: 1 }]);
  });
});
