/** Files of a Django with knox (test/conformance/knox-tokens.json). */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { storedToken } from '../../src/store/stored-token.ts';
import { useManage } from '../helpers/manage.ts';
import { knoxToken, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const { manage, query } = useManage();

const DUMP = 'test/conformance/knox-dumpdata.json';
const DJANGO = 'test/conformance/knox.sqlite3';
const KNOX_4 = `length(token_key) = 8`;

type Dumped = { model: string; pk: unknown; fields: { token_key?: string } };
const knoxRecords = (path: string) =>
  JSON.parse(readFileSync(path, 'utf8')).filter(
    ({ model, fields }: Dumped) => model === 'knox.authtoken' && fields.token_key?.length !== 8,
  );

test.each([DUMP, DJANGO])(
  '%s is imported without the tokens of knox 4, which are named',
  async (file) => {
    expect(await manage(['import', file])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Knox tokens imported: 13\n'),
      stderr: expect.stringContaining('left out, of: legacy (2).'),
    });
    expect(await query(`SELECT count(*) AS n FROM knox_authtoken`)).toEqual([{ n: 13 }]);
    expect(await query(`SELECT count(*) AS n FROM knox_authtoken WHERE ${KNOX_4}`)).toEqual([
      { n: 0 },
    ]);
  },
);

test.each([DUMP, DJANGO])('importing %s again changes nothing', async (file) => {
  await manage(['import', file]);
  expect(await manage(['import', file])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('8 already here, 0 in conflict'),
  });
});

test('a dump that went in comes out again', async () => {
  await manage(['import', DUMP]);
  const path = join(temporaryDirectory(), 'edge.json');
  expect(await manage(['export', path])).toMatchObject({ code: 0 });
  expect(knoxRecords(path)).toEqual(knoxRecords(DUMP));
});

test('an SQLite file that went in comes out again, with the table of knox', async () => {
  await manage(['import', DJANGO]);
  const path = join(temporaryDirectory(), 'edge.sqlite3');
  await manage(['export', path]);
  const [ours, django] = [new DatabaseSync(path), new DatabaseSync(DJANGO, { readOnly: true })];
  for (const sql of [
    `SELECT * FROM knox_authtoken WHERE NOT ${KNOX_4} ORDER BY digest`,
    `SELECT name, sql FROM sqlite_master WHERE tbl_name = 'knox_authtoken' ORDER BY name`,
    `SELECT name FROM django_migrations WHERE app = 'knox' ORDER BY name`,
  ]) {
    expect(ours.prepare(sql).all()).toEqual(django.prepare(sql).all());
  }
});

test('a token that was revoked here does not come back, and one of another user is a conflict', async () => {
  await manage(['import', DUMP]);
  await query('DELETE FROM knox_authtoken WHERE user_id = 5');
  await query('UPDATE knox_authtoken SET user_id = 6 WHERE user_id = 3');
  expect(await manage(['import', DUMP])).toMatchObject({ code: 1 });
  expect(await manage(['import', DUMP, '--on-conflict', 'skip'])).toMatchObject({ code: 0 });
  expect(await query('SELECT * FROM knox_authtoken WHERE user_id = 5')).toEqual([]);
  expect(await query('SELECT * FROM knox_authtoken WHERE user_id = 6')).toHaveLength(1);
});

test('without the option, a token of knox goes to no user who is not in the files', async () => {
  await manage(['import', DUMP]);
  await query('DELETE FROM knox_authtoken WHERE user_id = 5');
  const records: Dumped[] = JSON.parse(readFileSync(DUMP, 'utf8'));
  const path = join(temporaryDirectory(), 'tokens.json');
  writeFileSync(path, JSON.stringify(records.filter(({ model }) => model === 'knox.authtoken')));
  expect(await manage(['import', path])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/\(knox\.authtoken\): its user \d is not in the files/),
  });
  expect(await manage(['import', path, '--match-users-by', 'id'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Knox tokens imported: 1\n'),
  });
  expect(await query('SELECT token_key FROM knox_authtoken WHERE user_id = 5')).toHaveLength(1);
});

test('--user and --dry-run hold for tokens of knox', async () => {
  await manage(['import', DUMP, '--dry-run']);
  expect(await query('SELECT * FROM knox_authtoken')).toEqual([]);
  await manage(['import', DUMP, '--user', 'admin']);
  expect(await query('SELECT user_id FROM knox_authtoken')).toEqual(Array(4).fill({ user_id: 8 }));
});

/** Rows of `knox_authtoken` as older versions of knox have them (knox/migrations). */
const OLD_TABLES = {
  '4.1': {
    digest: 'd',
    salt: 's',
    created: '2019-01-11',
    user_id: 8n,
    expiry: null,
    token_key: 'k',
  },
  '3.0': {
    digest: 'd',
    salt: 's',
    created: '2016-08-18',
    user_id: 8n,
    expires: null,
    token_key: 'k',
  },
  '2.0': { digest: 'd', salt: 's', created: '2015-09-16', user_id: 8n },
};

test.each(Object.entries(OLD_TABLES))(
  'the tokens in a table of knox %s are left out, and named',
  async (_, { created, ...row }) => {
    const path = join(temporaryDirectory(), 'db.sqlite3');
    copyFileSync(DJANGO, path);
    using django = new DatabaseSync(path);
    const values = { ...row, created: `${created} 05:42:00` };
    const names = Object.keys(values);
    django.exec(`DROP TABLE knox_authtoken; CREATE TABLE knox_authtoken (${names.join()})`);
    django
      .prepare(`INSERT INTO knox_authtoken VALUES (${names.map((name) => `:${name}`).join()})`)
      .run(values);
    expect(await manage(['import', path])).toMatchObject({
      code: 0,
      stdout: expect.not.stringContaining('Knox tokens'),
      stderr: expect.stringContaining('left out, of: admin (1).'),
    });
    expect(await query('SELECT * FROM knox_authtoken')).toEqual([]);
  },
);

test.each([
  ['a salt, as before knox 4.2', { salt: 'f00d' }],
  ['no token_key, as in knox 2', { token_key: undefined }],
  ['a token_key of 8 characters', { token_key: '227d4c93' }],
])('the tokens of a dump that have %s are left out, and named', async (_, fields) => {
  const records: Dumped[] = JSON.parse(readFileSync(DUMP, 'utf8'));
  const path = join(temporaryDirectory(), 'dump.json');
  const old = records.map((record) =>
    record.model === 'knox.authtoken'
      ? { ...record, fields: { ...record.fields, ...fields } }
      : record,
  );
  writeFileSync(path, JSON.stringify(old));
  expect(await manage(['import', path])).toMatchObject({
    code: 0,
    stdout: expect.not.stringContaining('Knox tokens'),
    stderr: expect.stringMatching(/WARNING: Tokens of knox before 5\.0, .* admin \(4\)/),
  });
  expect(await query('SELECT * FROM knox_authtoken')).toEqual([]);
});

/** Users of a model of the project's own, whose tokens are only in knox's table. */
function databaseOfOwnModel(idType: string, id: string): string {
  const path = join(temporaryDirectory(), 'django.sqlite3');
  const { digest, token_key } = storedToken('phone');
  using db = new DatabaseSync(path);
  db.exec(`
    CREATE TABLE auth_user AS SELECT 1 AS id WHERE false;
    CREATE TABLE users_user (id ${idType} PRIMARY KEY, password text, last_login text, email text);
    CREATE TABLE knox_authtoken (digest varchar(128) NOT NULL PRIMARY KEY, created datetime NOT NULL,
      user_id ${idType} NOT NULL REFERENCES users_user (id), expiry datetime NULL, token_key varchar(25) NOT NULL);
    INSERT INTO users_user VALUES (${id}, '!', NULL, 'ann@example.com');
    INSERT INTO knox_authtoken VALUES ('${digest}', '2024-03-18 02:30:00', ${id}, NULL, '${token_key}')`);
  return path;
}

test.each([
  ['numbers', 'bigint', '3000000000'],
  ['UUIDs', 'char(32)', `'${'0af'.repeat(10)}00'`],
])('a custom user model with %s is found by its tokens of knox', async (_, idType, id) => {
  const path = databaseOfOwnModel(idType, id);
  expect(await manage(['import', path])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--user-model users.user'),
  });
  expect(await manage(['import', path, '--user-model', 'users.user'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Knox tokens imported: 1\n'),
  });
  expect(
    await query(`SELECT username, token_key FROM knox_authtoken JOIN auth_user ON id = user_id`),
  ).toEqual([{ username: 'ann@example.com', token_key: 'phone' }]);
});

test('an id beyond those of Django’s AutoField is known by the table of knox', async () => {
  const path = join(temporaryDirectory(), 'db.sqlite3');
  copyFileSync(DJANGO, path);
  using django = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  django.exec(`DROP TABLE authtoken_token; UPDATE auth_user SET id = 3000000000 WHERE id = 8;
    UPDATE knox_authtoken SET user_id = 3000000000 WHERE user_id = 8`);
  expect(await manage(['import', path])).toMatchObject({ code: 1 });
  django.exec(`CREATE TABLE copy (digest, created, user_id bigint, expiry, token_key);
    INSERT INTO copy SELECT digest, created, user_id, expiry, token_key FROM knox_authtoken;
    DROP TABLE knox_authtoken; ALTER TABLE copy RENAME TO knox_authtoken`);
  expect(await manage(['import', path])).toMatchObject({ code: 0 });
  expect(await query('SELECT * FROM knox_authtoken WHERE user_id = 3000000000')).toHaveLength(4);
});

test('a user who gets another id keeps the tokens of knox', async () => {
  const other = { username: 'zoe', date_joined: '2026-03-18T02:30:00Z' };
  const path = join(temporaryDirectory(), 'dump.json');
  writeFileSync(path, JSON.stringify([user(1), knoxToken('here', 1)]));
  await manage(['import', path]);
  writeFileSync(path, JSON.stringify([user(1, other), knoxToken('phone', 1), user(2)]));
  expect(await manage(['import', path, '--new-ids'])).toMatchObject({ code: 0 });
  expect(
    await query(`SELECT user_id, username, token_key FROM knox_authtoken
      JOIN auth_user ON id = user_id ORDER BY user_id`),
  ).toEqual([
    { user_id: 1, username: 'user1', token_key: 'here' },
    { user_id: 3, username: 'zoe', token_key: 'phone' },
  ]);
});

test('export --user takes the tokens of this user only', async () => {
  await manage(['import', DUMP]);
  const path = join(temporaryDirectory(), 'admin.json');
  expect(await manage(['export', path, '--user', 'admin'])).toMatchObject({
    code: 0,
    stdout: 'Users exported:  1\nTokens exported: 0\nKnox tokens exported: 4\n',
  });
  expect(knoxRecords(path).map(({ fields }: { fields: { user: number } }) => fields.user)).toEqual([
    8, 8, 8, 8,
  ]);
});

test.each(['json', 'sqlite'])(
  'an export without tokens of knox does not name it: %s',
  async (format) => {
    await manage(['import', 'test/conformance/dumpdata.json']);
    const path = join(temporaryDirectory(), 'edge');
    const { stdout } = await manage(['export', path, '--format', format]);
    expect(stdout).not.toContain('nox');
    expect(readFileSync(path, 'latin1')).not.toContain('knox');
  },
);

/** A user whose tokens are more than one statement takes, between two others. */
function dumpOfMany(tokens: number): string {
  const path = join(temporaryDirectory(), 'many.json');
  const many = Array.from({ length: tokens }, (_, i) => knoxToken(`the token ${i}`, 2));
  const records = [user(1), knoxToken('one', 1), user(2), ...many, user(3), knoxToken('three', 3)];
  writeFileSync(path, JSON.stringify(records));
  return path;
}

const COUNTS =
  'SELECT user_id, count(*) AS n FROM knox_authtoken GROUP BY user_id ORDER BY user_id';

test('more tokens of one user than one statement takes are imported, and others are not split', async () => {
  const statements: string[][] = [];
  const intercept = (d1: D1Database) =>
    new Proxy(d1, {
      get: (target, name) =>
        name === 'prepare'
          ? (sql: string) => {
              const statement = target.prepare(sql);
              if (!sql.includes('INSERT INTO')) return statement;
              return new Proxy(statement, {
                get: (inner, key) =>
                  key === 'bind'
                    ? (json: string) => {
                        if (sql.includes('auth_user')) statements.push([]);
                        statements.at(-1)?.push(json);
                        return inner.bind(json);
                      }
                    : Reflect.get(inner, key).bind(inner),
              });
            }
          : Reflect.get(target, name).bind(target),
    });
  const path = dumpOfMany(12_000);
  expect(await manage(['import', path], { intercept })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Knox tokens imported: 12,002\n'),
  });
  expect(await query(COUNTS)).toEqual([
    { user_id: 1, n: 1 },
    { user_id: 2, n: 12_000 },
    { user_id: 3, n: 1 },
  ]);
  const lengths = statements.flat().map((json) => json.length);
  expect(Math.max(...lengths)).toBeLessThan(1_000_100);
  const users = statements.map(([json = '']) => JSON.parse(json).map(([id]: number[]) => id));
  expect(users).toEqual([[1], [2], [], [3]]);
  expect(await manage(['import', path])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('3 already here, 0 in conflict'),
  });
});

test('the missing tokens of such a user come with --on-conflict update', async () => {
  const path = dumpOfMany(6000);
  await manage(['import', path]);
  await query('DELETE FROM knox_authtoken WHERE user_id = 2 AND rowid % 2 = 0');
  expect(await manage(['import', path, '--on-conflict', 'update'])).toMatchObject({ code: 0 });
  expect(await query(COUNTS)).toContainEqual({ user_id: 2, n: 6000 });
});
