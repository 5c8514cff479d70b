import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { useManage } from '../helpers/manage.ts';
import { token, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { databaseOfTwoModels } from '../helpers/two-user-models.ts';

const { manage, query } = useManage();

const DJANGO = 'test/conformance/django.sqlite3';

/** The fields of a line of the script that the tests check. */
const Line = v.looseObject({ kind: v.string(), username: v.string() });

function dump(...records: unknown[]): string {
  const path = join(temporaryDirectory(), 'dump.json');
  writeFileSync(path, JSON.stringify(records));
  return path;
}

const isUser = (record: unknown): boolean =>
  v.is(v.looseObject({ model: v.picklist(['auth.user', 'users.user']) }), record);

const later = '2026-11-01T08:00:00.500Z';
const registered = (year: number) => ({ date_joined: `${year}-03-18T02:30:00.123Z` });

/** Exports against a file, and reads the changes in the script. */
async function exportAgainst(django: string, ...options: string[]) {
  const path = join(temporaryDirectory(), 'changes.py');
  const outcome = await manage(['export', path, '--against', django, ...options]);
  if (!existsSync(path)) return { ...outcome, path, lines: [] };
  const [, text = ''] = /\nCHANGES = r'''\n(.*)'''\n/s.exec(readFileSync(path, 'utf8')) ?? [];
  const lines = text.split('\n').filter((line) => line !== '');
  return {
    ...outcome,
    path,
    lines: lines
      .map((line) => v.parse(Line, JSON.parse(line)))
      .filter(({ kind }) => kind !== 'reset_sequence'),
  };
}

test('the same users need no change', async () => {
  await manage(['import', DJANGO]);
  expect(await exportAgainst(DJANGO)).toMatchObject({
    code: 0,
    lines: [],
    stdout: [
      'Users on both sides: 26',
      'Users to update:     0',
      'Users to create:     0',
      'Tokens to write:     0',
      'Tokens to remove:    0',
      '',
    ].join('\n'),
  });
});

test('a dump that has no microseconds is the same', async () => {
  await manage(['import', DJANGO]);
  expect(await exportAgainst('test/conformance/dumpdata.json')).toMatchObject({
    code: 0,
    lines: [],
  });
});

test('changed values and tokens are written, with the old ones', async () => {
  await manage(['import', dump(user(1), token('a', 1), user(2), token('b', 2), user(3))]);
  await query(`UPDATE auth_user SET email = 'new@example.com', password = '!new', first_name = 'Ann',
    last_login = '2026-11-01 08:00:00.500999' WHERE id = 1`);
  await query(`UPDATE authtoken_token SET key = 'new', created = '2026-11-01 08:00:00.500999'
    WHERE user_id = 1`);
  await query('DELETE FROM authtoken_token WHERE user_id = 2');
  await query(`INSERT INTO authtoken_token VALUES ('c', '2026-11-01 08:00:00', 3)`);
  const { lines, ...outcome } = await exportAgainst(
    dump(user(1), token('a', 1), user(2), token('b', 2), user(3)),
  );

  const { password } = user(1).fields;
  expect(lines).toEqual([
    {
      kind: 'update',
      pk: 1,
      username: 'user1',
      login: 'user1',
      fields: {
        password: [password, '!new'],
        first_name: ['', 'Ann'],
        email: ['', 'new@example.com'],
        last_login: [null, '2026-11-01T08:00:00.500999Z'],
      },
      token: ['a', ['new', '2026-11-01T08:00:00.500999Z']],
    },
    { kind: 'update', pk: 2, username: 'user2', login: 'user2', fields: {}, token: ['b', null] },
    {
      kind: 'update',
      pk: 3,
      username: 'user3',
      login: 'user3',
      fields: {},
      token: [null, ['c', '2026-11-01T08:00:00Z']],
    },
  ]);
  expect(outcome.stdout).toBe(
    [
      'Users on both sides: 3',
      'Users to update:     1 (password 1, first_name 1, email 1, last_login 1)',
      'Users to create:     0',
      'Tokens to write:     2',
      'Tokens to remove:    1',
      '',
    ].join('\n'),
  );
  expect(statSync(outcome.path).mode & 0o777).toBe(0o600);
});

test('users who registered on each side, and have the same id or name, stay two users', async () => {
  await manage([
    'import',
    dump(
      user(1),
      user(2, { username: 'yan', ...registered(2025) }),
      token('y', 2),
      user(3, { username: 'alex', ...registered(2025) }),
      token('x', 3),
      user(4, { username: 'ann', ...registered(2025) }),
    ),
  ]);
  const outcome = await exportAgainst(
    dump(
      user(1),
      user(2, { username: 'zoe', is_staff: true, ...registered(2026) }),
      token('z', 2),
      user(3, { username: 'alex', ...registered(2026) }),
      token('q', 3),
    ),
  );
  expect(outcome.lines).toMatchObject([
    { kind: 'create', pk: 4, id: 4, username: 'ann' },
    {
      kind: 'create',
      id: 2,
      username: 'yan',
      token: [null, ['y', '2024-03-18T02:30:01.123000Z']],
    },
  ]);
  expect(outcome.lines[1]).not.toHaveProperty('pk');
  expect(outcome.stderr).toContain(
    'WARNING: 1 user whose id belongs to another user in Django: yan (id 2).',
  );
  expect(outcome.stderr).toContain(
    'WARNING: 1 user whose username belongs to another user in Django: alex (id 3).',
  );
  expect(outcome.stderr).toContain('WARNING: 2 users only in Django: zoe (id 2), alex (id 3).');
});

test('a user who was moved before is found by name and date, under the new id', async () => {
  await manage(['import', dump(user(2, { username: 'yan' }), token('y', 2))]);
  const django = dump(
    user(2, { username: 'zoe', ...registered(2026) }),
    user(9, { username: 'yan', email: 'old@example.com' }),
    token('y', 9),
  );
  expect(await exportAgainst(django)).toMatchObject({
    lines: [
      {
        kind: 'update',
        pk: 9,
        username: 'yan',
        login: 'yan',
        fields: { email: ['old@example.com', ''] },
      },
    ],
  });
});

test('a user who was renamed in Django keeps the new name', async () => {
  await manage(['import', dump(user(1), token('a', 1))]);
  await query(`UPDATE auth_user SET email = 'new@example.com'`);
  const { lines } = await exportAgainst(dump(user(1, { username: 'renamed' }), token('a', 1)));
  expect(lines).toEqual([
    {
      kind: 'update',
      pk: 1,
      username: 'renamed',
      login: 'renamed',
      fields: { email: ['', 'new@example.com'] },
    },
  ]);
});

test.each([
  ['the same token tells the same user, if the date was changed', [token('a', 1)], [], 0],
  ['neither date nor token is the same', [], [], 1],
  ['the operator says that usernames are shared', [], ['--match-users-by', 'username'], 0],
  ['the operator says that ids are shared', [], ['--match-users-by', 'id'], 0],
])('who is the same user: %s', async (_, tokens, options, taken) => {
  await manage(['import', dump(user(1), token('a', 1))]);
  const { stdout, stderr } = await exportAgainst(
    dump(user(1, registered(1999)), ...tokens),
    ...options,
  );
  expect(stdout).toContain(`Users on both sides: ${1 - taken}\n`);
  expect(stderr.includes('whose username belongs to another user')).toBe(taken === 1);
});

test('a token of another user in Django is not written', async () => {
  await manage(['import', dump(user(1), token('a', 1), user(2), token('b', 2))]);
  const { lines, stderr } = await exportAgainst(
    dump(user(1), user(3, registered(2026)), token('a', 3), user(4), token('b', 4)),
  );
  expect(lines).toMatchObject([{ kind: 'create', username: 'user2' }]);
  expect(lines[0]).not.toHaveProperty('token');
  expect(stderr).toContain(
    'WARNING: 2 users whose token belongs to another user in Django: user1 (id 1), user2 (id 2).',
  );
});

test('an exported last login is never earlier than the one in Django', async () => {
  await manage(['import', dump(user(1))]);
  expect((await exportAgainst(dump(user(1, { last_login: later })))).lines).toEqual([]);
});

test('rights in Django are kept, except that a deactivated user stays out', async () => {
  await manage([
    'import',
    dump(
      user(1, { is_active: false, last_login: later }),
      user(2, { is_staff: true, is_superuser: true }),
      user(3),
    ),
  ]);
  const django = dump(
    user(1, { last_login: later }),
    user(2),
    user(3, { is_active: false, is_staff: true }),
  );
  const { lines, stderr } = await exportAgainst(django);
  expect(lines).toEqual([
    {
      kind: 'update',
      pk: 1,
      username: 'user1',
      login: 'user1',
      fields: { is_active: [true, false] },
    },
  ]);
  expect(stderr).toContain('WARNING: 1 user inactive here and active in Django: user1 (id 1).');
  expect(stderr).toContain(
    'WARNING: 2 users with other rights in Django, which it keeps: user2 (is_staff, is_superuser), ' +
      'user3 (is_active, is_staff).',
  );
});

test('with what was imported, only changes since then are written', async () => {
  const imported = dump(
    user(1),
    token('a', 1),
    user(2),
    token('b', 2),
    user(3, { is_active: false }),
  );
  await manage(['import', imported]);
  // Changed here: a right of user 1, the token of user 2.
  await query(`UPDATE auth_user SET is_staff = 1 WHERE id = 1`);
  await query(`UPDATE authtoken_token SET key = 'new' WHERE user_id = 2`);
  const django = dump(
    user(1, { email: 'changed@in.django', password: '!django' }),
    token('of django', 1),
    user(2),
    token('b', 2),
    user(3),
  );
  const { lines } = await exportAgainst(django, '--imported', imported);
  expect(lines).toEqual([
    {
      kind: 'update',
      pk: 1,
      username: 'user1',
      login: 'user1',
      fields: { is_staff: [false, true] },
    },
    {
      kind: 'update',
      pk: 2,
      username: 'user2',
      login: 'user2',
      fields: {},
      token: ['b', ['new', '2024-03-18T02:30:01.123000Z']],
    },
  ]);
});

test('only users who were imported and are not here count as deleted here', async () => {
  const imported = dump(user(1), token('a', 1), user(2), user(3), user(4));
  await manage(['import', imported]);
  await query('DELETE FROM authtoken_token; DELETE FROM auth_user WHERE id IN (1, 2, 3)');
  // The name of user 2 was registered anew.
  await manage(['import', dump(user(8, { username: 'user2', ...registered(2026) }))]);
  const django = dump(
    user(1),
    token('changed', 1),
    user(2),
    // Of the same id as the imported one, but registered since.
    user(3, { username: 'new', ...registered(2026) }),
    user(4),
    user(5, registered(2026)),
  );

  const kept = await exportAgainst(django, '--imported', imported);
  expect(kept.lines).toEqual([]);
  expect(kept.stderr).toContain('WARNING: 1 user deleted here: user1 (id 1).');
  expect(kept.stderr).toContain(
    'WARNING: 3 users only in Django: user2 (id 2), new (id 3), user5 (id 5).',
  );

  for (const kind of ['deactivate', 'delete']) {
    const outcome = await exportAgainst(django, '--imported', imported, '--deleted-users', kind);
    expect(outcome.lines).toEqual([
      {
        kind,
        pk: 1,
        username: 'user1',
        login: 'user1',
        fields: { date_joined: '2024-03-18T02:30:00.123000Z' },
        token: ['changed', null],
      },
    ]);
    expect(outcome.stdout).toContain(`Users to ${kind}: ${kind === 'delete' ? '    ' : ''}1\n`);
  }
});

test('one user is moved alone', async () => {
  await manage(['import', dump(user(1), token('a', 1), user(2), token('b', 2), user(3))]);
  const django = dump(user(9, registered(2026)));

  const script = await exportAgainst(django, '--user', 'user2', '--user', 'user3');
  expect(script.lines).toMatchObject([{ username: 'user2' }, { username: 'user3' }]);
  expect(script.stderr).not.toContain('only in Django');

  const fixture = join(temporaryDirectory(), 'edge.json');
  expect(await manage(['export', '--user', 'user2', fixture])).toMatchObject({
    code: 0,
    stdout: 'Users exported:  1\nTokens exported: 1\n',
  });
  expect(JSON.parse(readFileSync(fixture, 'utf8'))).toMatchObject([
    { model: 'auth.user', pk: 2 },
    { model: 'authtoken.token', pk: 'b', fields: { user: 2 } },
  ]);

  const path = join(temporaryDirectory(), 'edge');
  for (const args of [[`${path}.json`], [`${path}.py`, '--against', django]]) {
    expect(await manage(['export', ...args, '--user', 'nobody'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('CommandError: no user nobody\n'),
    });
    expect(existsSync(args[0] ?? '')).toBe(false);
  }
});

test('no value can become Python code, and the script is ASCII', async () => {
  const username = "'''\\'\"\nimport os # 🔑 ü \u2028";
  await manage(['import', dump(user(1, { username }))]);
  const { path, lines } = await exportAgainst(dump(user(2)));
  expect(lines).toMatchObject([{ kind: 'create', username }]);
  const script = readFileSync(path, 'utf8');
  expect(script).toMatch(/^[\n -~]*$/);
  const [, data = ''] = script.split("CHANGES = r'''\n");
  expect(data.split("'''")).toHaveLength(2);
});

test('a file of natural keys does not say who its users are', async () => {
  await manage(['import', dump(user(1))]);
  const { code, stderr } = await exportAgainst(dump({ ...user(1), pk: undefined }));
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('user1 has no id: write the file without --natural-primary'),
  });
});

test('a compared file that cannot be read or whose tokens have no user stops the export', async () => {
  for (const [file, reason] of [
    ['/nowhere/django.json', 'CommandError: cannot read /nowhere/django.json\n'],
    [dump(token('a', 1)), 'its user 1 is not in the files'],
  ] as const) {
    const { code, path, stderr } = await exportAgainst(file);
    expect(code).toBe(1);
    expect(stderr).toContain(reason);
    expect(existsSync(path)).toBe(false);
  }
});

test.each([
  [['export', 'edge.json', '--against', DJANGO], '--against needs a name in .py'],
  [['export', 'changes.py'], 'a name in .py needs --against'],
  [['export', 'edge.json', '--imported', DJANGO], '--imported needs --against'],
  [
    ['export', 'changes.py', '--against', DJANGO, '--deleted-users', 'delete'],
    '--deleted-users needs --imported',
  ],
  [['export', 'edge.json', '--user-model', 'users.User'], '--user-model needs --against'],
  [['export', 'edge.json', '--user-table', 'members'], '--user-table needs --against'],
  [['export', 'edge.json', '--map', 'is_staff=is_admin'], '--map needs --against'],
  [['export', 'edge.json', '--match-users-by', 'id'], '--match-users-by needs --against'],
  [['export', 'edge.json', '--encoding', 'cp1252'], '--encoding needs --against'],
  [['export', 'edge.json', '--without-wal'], '--without-wal needs --against'],
  [['export', '-', '--format', 'script', '--against', DJANGO], 'a script needs a file name'],
])('wrong usage: %j', async (args, message) => {
  expect(await manage(args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});

const CUSTOM = 'test/conformance/custom-users';
const MAPS = ['--map', 'is_staff=is_admin', '--map', 'date_joined=created_at'];

test.each([
  ['a', []],
  ['b', []],
  ['c', MAPS],
  ['d', MAPS],
])('users of the custom user model %s come back without a change', async (project, maps) => {
  const options = ['--user-model', 'users.User', ...maps];
  for (const file of ['db.sqlite3', 'dumpdata.json']) {
    const path = `${CUSTOM}/${project}/${file}`;
    expect(await manage(['import', path, '--on-conflict', 'skip', ...options])).toMatchObject({
      code: 0,
    });
    expect(await exportAgainst(path, ...options)).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining('WARNING'),
      lines: [],
      stdout: expect.stringContaining('Users on both sides: 12\n'),
    });
    await query('DELETE FROM authtoken_token; DELETE FROM auth_user');
  }
});

test('a change and a new user go to a custom user model under its names', async () => {
  const options = ['--user-model', 'users.User', ...MAPS];
  await manage(['import', `${CUSTOM}/d/db.sqlite3`, ...options]);
  await query(`UPDATE auth_user SET is_active = 0, email = 'new@example.com'
    WHERE username = 'meg@ducharme.com'`);
  await query(`INSERT INTO auth_user (id, password, is_superuser, username, last_name, email, is_staff,
      is_active, date_joined, first_name)
    VALUES (99, '!', 0, 'yan', '', 'yan@example.com', 1, 1, '2026-01-01 00:00:00', ''),
      (100, '!', 0, 'meg', '', 'meg@ducharme.com', 0, 1, '2026-01-01 00:00:00', '')`);
  const { lines, stderr } = await exportAgainst(`${CUSTOM}/d/dumpdata.json`, ...options);
  expect(lines).toMatchObject([
    {
      kind: 'update',
      pk: expect.stringMatching(/^[0-9a-f]{32}$/),
      username: 'meg@ducharme.com',
      login: 'meg@ducharme.com',
      fields: { email: ['meg@ducharme.com', 'new@example.com'], is_active: [true, false] },
    },
    {
      kind: 'create',
      id: 99,
      username: 'yan',
      fields: { email: 'yan@example.com', is_admin: true, created_at: '2026-01-01T00:00:00Z' },
    },
  ]);
  expect(stderr).toContain(
    'WARNING: 1 user whose username belongs to another user in Django: meg (id 100).',
  );
});

test('a file of another user model is recognised', async () => {
  await manage(['import', dump(user(1))]);
  for (const file of ['db.sqlite3', 'dumpdata-users-tokens.json']) {
    const { code, stderr } = await exportAgainst(`${CUSTOM}/a/${file}`);
    expect(code).toBe(1);
    expect(stderr).toContain('users.user');
    expect(stderr).toContain('--user-model users.user');
  }
});

describe('files with users of two models', () => {
  const users = `${CUSTOM}/strangers.json`;
  const customUsers = `${CUSTOM}/a/dumpdata-users-tokens.json`;
  const recordsOf = (path: string): unknown[] =>
    v.parse(v.array(v.unknown()), JSON.parse(readFileSync(path, 'utf8')));

  test.each(['--against', '--imported'])(
    'are refused until the model is named: %s',
    async (side) => {
      await manage(['import', users]);
      const path = join(temporaryDirectory(), 'changes.py');
      const both = dump(...recordsOf(users), ...recordsOf(customUsers));
      const files =
        side === '--against'
          ? ['--against', both]
          : ['--against', users, '--imported', users, '--imported', customUsers];
      const { code, stderr } = await manage(['export', path, ...files]);
      expect(code).toBe(1);
      const command = `npm run manage -- export ${path} ${files.join(' ')}`;
      expect(stderr).toContain(
        'CommandError: the user model of the project may be auth.user (20 records), or users.user (12 records). ' +
          `Nothing is written. To read the users of auth.user: ${command} --user-model auth.user. ` +
          `To read those of users.user: ${command} --user-model users.user\n`,
      );
      expect(existsSync(path)).toBe(false);
    },
  );

  test('are refused in a database without tokens, too', async () => {
    const path = databaseOfTwoModels();
    const { code, stderr } = await exportAgainst(path);
    expect(code).toBe(1);
    expect(stderr).toContain('may be auth.user (1 records), or users.user (1 records)');
  });

  test.each([
    ['users.User', customUsers],
    ['auth.User', users],
  ])('are read for %s if the operator names it', async (model, imported) => {
    await manage(['import', imported, '--user-model', model]);
    await query('DELETE FROM authtoken_token');
    // A file of one model: its tokens are those of the users of that model.
    const others = model === 'users.User' ? users : customUsers;
    const { code, lines, stdout } = await exportAgainst(
      dump(...recordsOf(others).filter(isUser), ...recordsOf(imported)),
      ...['--user-model', model, '--imported', imported],
    );
    const records = recordsOf(imported);
    const ofUsers = records.filter(isUser).length;
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`Users on both sides: ${ofUsers}\n`),
    });
    expect(lines).toHaveLength(records.length - ofUsers);
  });
});

test('a named model has no users in an empty file, for a project without users', async () => {
  await manage(['import', dump(user(1), token('a', 1))]);
  expect(await exportAgainst(dump(), '--user-model', 'users.User')).toMatchObject({
    code: 0,
    lines: [{ kind: 'create', username: 'user1' }],
  });
});

test('an SQLite file of Django is compared and left as it is', async () => {
  await manage(['import', DJANGO]);
  const before = readFileSync(DJANGO);
  await query('DELETE FROM authtoken_token');
  const tokens = new DatabaseSync(DJANGO, { readOnly: true })
    .prepare('SELECT count(*) AS n FROM authtoken_token')
    .get()?.n;
  expect((await exportAgainst(DJANGO)).stdout).toContain(`Tokens to remove:    ${tokens}\n`);
  expect(readFileSync(DJANGO)).toEqual(before);
});

test('a file that git would add is refused, an ignored one is written', async () => {
  const directory = temporaryDirectory();
  execFileSync('git', ['init', '--quiet', directory]);
  const path = join(directory, 'edge.json');
  expect(await manage(['export', path])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`git would add ${path}`),
  });
  expect(existsSync(path)).toBe(false);

  writeFileSync(join(directory, '.gitignore'), '/edge.json\n');
  expect(await manage(['export', path])).toMatchObject({ code: 0 });
});

test('the names of the documentation are ignored in a checkout', () => {
  const names = ['edge.json', 'django.json', 'changes.py', 'users.json.gz', 'db.sqlite3'];
  const ignored = execFileSync('git', ['check-ignore', ...names], { encoding: 'utf8' });
  expect(ignored.trim().split('\n')).toEqual(names);
});
