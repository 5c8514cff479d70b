/** `export --against`: tokens of knox go to a Django that has lived on. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { storedToken } from '../../src/store/stored-token.ts';
import { useManage, withVars } from '../helpers/manage.ts';
import { knoxToken, token, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const { manage, query } = useManage();

const DUMP = 'test/conformance/knox-dumpdata.json';
const DJANGO = 'test/conformance/knox.sqlite3';
const CREATED = '2024-03-18 02:30:01.123456';
const CREATED_THERE = '2024-03-18T02:30:01.123456Z';

const Line = v.looseObject({ kind: v.string(), username: v.string() });

function dump(...records: unknown[]): string {
  const path = join(temporaryDirectory(), 'dump.json');
  writeFileSync(path, JSON.stringify(records));
  return path;
}

const digestOf = (key: string) => createHash('sha512').update(key).digest('hex');

/** A login here, past the code under test. */
const logIn = (userId: number, key: string, expiry: string | null = null) => {
  const { digest, token_key } = storedToken(key);
  return query(`INSERT INTO knox_authtoken VALUES
    ('${digest}', '${CREATED}', ${userId}, ${expiry === null ? 'NULL' : `'${expiry}'`}, '${token_key}')`);
};

const logOut = (key: string) =>
  query(`DELETE FROM knox_authtoken WHERE digest = '${digestOf(key)}'`);

/** Exports against a file, and reads the changes in the script. */
async function exportAgainst(django: string, ...options: string[]) {
  const path = join(temporaryDirectory(), 'changes.py');
  const outcome = await manage(['export', path, '--against', django, ...options]);
  if (!existsSync(path)) return { ...outcome, lines: [] };
  const [, text = ''] = /\nCHANGES = r'''\n(.*)'''\n/s.exec(readFileSync(path, 'utf8')) ?? [];
  const lines = text.split('\n').filter((line) => line !== '');
  return {
    ...outcome,
    lines: lines
      .map((line) => v.parse(Line, JSON.parse(line)))
      .filter(({ kind }) => kind !== 'reset_sequence'),
  };
}

const update = (id: number, knox: Record<string, unknown>) => ({
  kind: 'update',
  pk: id,
  username: `user${id}`,
  login: `user${id}`,
  fields: {},
  knox: { write: [], remove: [], renew: [], ...knox },
});

const written = (key: string, expiry: string | null = null) => [
  digestOf(key),
  key.slice(0, 15),
  CREATED_THERE,
  expiry,
];

test.each([DUMP, DJANGO])('what was imported from %s needs no change', async (file) => {
  await manage(['import', DJANGO]);
  expect(await exportAgainst(file)).toMatchObject({
    code: 0,
    lines: [],
    stdout: expect.stringContaining(
      'Knox tokens to write:  0\nKnox tokens to remove: 0\nKnox tokens to renew:  0\n',
    ),
  });
});

test('a database without tokens of knox has no line about them', async () => {
  const file = dump(user(1), token('a', 1));
  await manage(['import', file]);
  const { stdout } = await exportAgainst(file);
  expect(stdout).not.toContain('nox');
});

test('logins here are written, and logouts here are removed', async () => {
  const file = dump(user(1), knoxToken('phone', 1), knoxToken('laptop', 1), user(2));
  await manage(['import', file]);
  await logOut('phone');
  await logIn(1, 'a tablet with a long name', '2099-12-31 23:59:59.999999');
  await logIn(2, 'first');
  const { lines, stdout } = await exportAgainst(file);
  expect(lines).toEqual([
    update(1, {
      write: [written('a tablet with a long name', '2099-12-31T23:59:59.999999Z')],
      remove: [digestOf('phone')],
    }),
    update(2, { write: [written('first')] }),
  ]);
  expect(stdout).toContain('Knox tokens to write:  2\nKnox tokens to remove: 1\n');
});

test('a token that was renewed here expires later in Django, and none earlier', async () => {
  const expiry = '2098-01-01T00:00:00.123Z';
  const file = dump(
    user(1),
    knoxToken('later', 1, { expiry }),
    knoxToken('same', 1, { expiry }),
    knoxToken('earlier', 1, { expiry }),
  );
  await manage(['import', file]);
  const setExpiry = (key: string, text: string) =>
    query(`UPDATE knox_authtoken SET expiry = '${text}' WHERE digest = '${digestOf(key)}'`);
  await setExpiry('later', '2098-01-02 00:00:00.5');
  // A dump has cut off the microseconds.
  await setExpiry('same', '2098-01-01 00:00:00.123999');
  await setExpiry('earlier', '2097-01-01 00:00:00');
  const { lines, stdout } = await exportAgainst(file);
  expect(lines).toEqual([update(1, { renew: [[digestOf('later'), '2098-01-02T00:00:00.5Z']] })]);
  expect(stdout).toContain('Knox tokens to renew:  1\n');
});

test('expired tokens are left as they are', async () => {
  const expiry = '2020-01-01T00:00:00Z';
  const file = dump(user(1), knoxToken('old there', 1, { expiry }));
  await manage(['import', dump(user(1))]);
  await logIn(1, 'old here', '2020-01-01 00:00:00');
  expect((await exportAgainst(file)).lines).toEqual([]);
});

test('with what was imported, tokens that were created or revoked in Django stay so', async () => {
  const imported = dump(user(1), knoxToken('both', 1), knoxToken('revoked there', 1));
  await manage(['import', imported]);
  await logIn(1, 'new here');
  const django = dump(user(1), knoxToken('both', 1), knoxToken('new there', 1));
  expect((await exportAgainst(django, '--imported', imported)).lines).toEqual([
    update(1, { write: [written('new here')] }),
  ]);
  // Otherwise the tokens here are those of the user.
  const { lines } = await exportAgainst(django);
  expect(lines).toMatchObject([{ knox: { remove: [digestOf('new there')] } }]);
  await logOut('both');
  const later = await exportAgainst(django, '--imported', imported);
  expect(later.lines).toMatchObject([{ knox: { remove: [digestOf('both')] } }]);
});

test('a new user takes the tokens along, and one whose id is taken, too', async () => {
  await manage(['import', dump(user(2), user(3, { date_joined: '2025-01-01T00:00:00Z' }))]);
  await logIn(2, 'two');
  await logIn(3, 'three');
  await logIn(3, 'gone', '2020-01-01 00:00:00');
  const django = dump(user(3, { username: 'zoe' }));
  expect((await exportAgainst(django)).lines).toMatchObject([
    { kind: 'create', pk: 2, id: 2, knox: { write: [written('two')], remove: [], renew: [] } },
    { kind: 'create', id: 3, knox: { write: [written('three')] } },
  ]);
});

test('a token of another user in Django is not written, and its user is named', async () => {
  await manage(['import', dump(user(1), user(2))]);
  await logIn(1, 'taken');
  const { lines, stderr } = await exportAgainst(dump(user(1), user(2), knoxToken('taken', 2)));
  expect(lines).toEqual([]);
  expect(stderr).toContain(
    'WARNING: 1 user whose token belongs to another user in Django: user1 (id 1).',
  );
});

test('a user without a moment of registration is found by a token of knox', async () => {
  await manage(['import', dump(user(1), knoxToken('phone', 1))]);
  const django = dump(
    user(1, { date_joined: '2025-01-01T00:00:00Z' }),
    knoxToken('phone', 1),
    user(2, { date_joined: '2025-01-01T00:00:00Z' }),
  );
  await query(`UPDATE auth_user SET email = 'new@example.com'`);
  expect((await exportAgainst(django)).lines).toMatchObject([
    { kind: 'update', pk: 1, fields: { email: ['', 'new@example.com'] } },
  ]);
});

test('a token that hash_tokens has hashed stays in Django as it is', async () => {
  const file = dump(user(1), token('a', 1), user(2), token('b', 2), user(3), token('c', 3));
  await manage(['import', file]);
  await manage(['hash_tokens'], withVars({ TOKEN_MODEL: 'knox.AuthToken' }));
  await logOut('b');
  await logIn(3, 'new');
  for (const options of [[], ['--imported', file]]) {
    const { lines, stdout } = await exportAgainst(file, ...options);
    expect(lines).toEqual([
      { kind: 'update', pk: 2, username: 'user2', login: 'user2', fields: {}, token: ['b', null] },
      update(3, { write: [written('new')] }),
    ]);
    expect(stdout).toContain('Tokens to write:     0\nTokens to remove:    1\n');
  }
});

test('a user who was deleted here loses the tokens of knox in Django', async () => {
  const file = dump(
    user(1),
    user(2, { is_active: false }),
    knoxToken('phone', 2),
    user(3, { is_active: false }),
  );
  await manage(['import', file]);
  await query('DELETE FROM knox_authtoken WHERE user_id = 2');
  await query('DELETE FROM auth_user WHERE id IN (2, 3)');
  const options = ['--imported', file, '--deleted-users', 'deactivate'];
  const { lines } = await exportAgainst(file, ...options);
  expect(lines).toMatchObject([{ kind: 'deactivate', pk: 2 }]);
});

test('only one user is moved, with the tokens', async () => {
  await manage(['import', dump(user(1), user(2))]);
  await logIn(1, 'one');
  await logIn(2, 'two');
  expect((await exportAgainst(dump(user(1), user(2)), '--user', 'user2')).lines).toEqual([
    update(2, { write: [written('two')] }),
  ]);
});

test('more tokens than one line takes are written in several lines', async () => {
  const keys = Array.from({ length: 2500 }, (_, i) => `the token ${i}`);
  await manage(['import', dump(user(1), ...keys.map((key) => knoxToken(key, 1)))]);
  const { lines, stdout } = await exportAgainst(dump(user(1), knoxToken('gone', 1)));
  expect(lines.map(({ kind, username }) => `${kind} ${username}`)).toEqual([
    'update user1',
    'more_tokens user1',
    'more_tokens user1',
  ]);
  const Knox = v.object({ knox: v.object({ write: v.array(v.array(v.nullable(v.string()))) }) });
  const digests = lines.flatMap((line) => v.parse(Knox, line).knox.write.map(([digest]) => digest));
  expect(digests).toEqual(keys.map(digestOf).sort());
  expect(stdout).toContain('Knox tokens to write:  2,500\nKnox tokens to remove: 1\n');
  const created = await exportAgainst(dump());
  expect(created.lines.map(({ kind }) => kind)).toEqual(['create', 'more_tokens', 'more_tokens']);
});
