/** SQLite files as they may be found, and as an attacker may craft them. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, test, vi } from 'vitest';
import { stageSqlite } from '../../src/manage/django-sqlite.ts';
import { newReading } from '../../src/manage/reading.ts';
import { createStaging } from '../../src/manage/staging.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const DJANGO = 'test/conformance/django.sqlite3';
const USERS = 26;

// Progress is written there.
beforeEach(() => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});

/** A copy of Django's file, changed by SQL. */
function changed(sql: string): string {
  const path = join(temporaryDirectory(), 'db.sqlite3');
  copyFileSync(DJANGO, path);
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  db.exec(sql);
  db.close();
  return path;
}

/** A file with these columns of `auth_user`, and one user. */
function withColumns(columns: string, values: string, userIdType = 'integer'): string {
  const path = join(temporaryDirectory(), 'db.sqlite3');
  const db = new DatabaseSync(path);
  db.exec(`CREATE TABLE auth_user (${columns});
    CREATE TABLE authtoken_token (key text PRIMARY KEY, created datetime, user_id ${userIdType});
    INSERT INTO auth_user VALUES (${values})`);
  db.close();
  return path;
}

const COLUMNS = `id integer PRIMARY KEY, password text, last_login datetime, is_superuser bool,
  username text, last_name text, email text, is_staff bool, is_active bool, date_joined datetime,
  first_name text`;

const valuesOf = (id: number | bigint, { isStaff = '0' } = {}) =>
  `${id}, '!', NULL, 0, 'ann', '', '', ${isStaff}, 1, '2024-03-18 02:30:00', ''`;

function stage(path: string) {
  const staging = createStaging();
  const reading = newReading();
  stageSqlite(path, staging, reading);
  return { staging, ignored: reading.ignored };
}

test.each([
  ['order', 'order'],
  ['two words', 'two words'],
  ['a "quoted" name', 'a ""quoted"" name'],
  ['(SELECT 1)', '(SELECT 1)'],
])('reads a file with a table named %s', (name, inSql) => {
  const path = changed(`CREATE TABLE "${inSql}" (a); INSERT INTO "${inSql}" VALUES (1), (2), (3)`);
  const { staging, ignored } = stage(path);
  expect(ignored.get(name)).toBe(3);
  expect(staging.countUsers()).toBe(USERS);
});

const ENDLESS = 'WITH RECURSIVE c(user_id) AS (SELECT 1 UNION ALL SELECT user_id + 1 FROM c)';

test.each([
  ['its name', `CREATE TABLE "(${ENDLESS} SELECT * FROM c)" (id)`],
  ['a view of its own', `CREATE VIEW rocks AS ${ENDLESS} SELECT * FROM c`],
  [
    'a view in place of the table of groups',
    `DROP TABLE auth_user_groups; CREATE VIEW auth_user_groups AS ${ENDLESS} SELECT * FROM c`,
  ],
  [
    'a view in place of the table of permissions',
    `DROP TABLE auth_user_user_permissions;
     CREATE VIEW auth_user_user_permissions AS ${ENDLESS} SELECT * FROM c`,
  ],
])('never runs a query without an end that a file brings as %s', (_, sql) => {
  const { staging } = stage(changed(sql));
  expect(staging.countUsers()).toBe(USERS);
});

test('takes no view for a table', () => {
  const path = changed('ALTER TABLE auth_user RENAME TO other; CREATE VIEW auth_user AS SELECT 1');
  expect(() => stage(path)).toThrow('--user-model APP.Model --user-table other');
});

test('never evaluates a CHECK constraint', () => {
  // Each wildcard multiplies the comparisons by the length of the name.
  const check = `CHECK (username NOT GLOB '${'*a'.repeat(20)}*b')`;
  const path = withColumns(`${COLUMNS} ${check}`, valuesOf(1));
  const db = new DatabaseSync(path);
  db.exec(
    `PRAGMA ignore_check_constraints = ON; UPDATE auth_user SET username = '${'a'.repeat(150)}'`,
  );
  db.close();
  expect(stage(path).staging.countUsers()).toBe(1);
});

test('refuses a generated column, which may be computed without an end', () => {
  const generated = COLUMNS.replace(
    'first_name text',
    `first_name text GENERATED ALWAYS AS (hex(zeroblob(400000000)))`,
  );
  const path = withColumns(generated, valuesOf(1).replace(/, ''$/, ''));
  expect(() => stage(path)).toThrow('auth_user.first_name is a generated column');
});

test.each([
  ['a text', `printf('%.*c', 5000000, 'x')`],
  ['bytes', 'zeroblob(5000000)'],
])('reads %s of five megabytes as a value that is too long', (_, value) => {
  const path = changed(`UPDATE auth_user SET first_name = ${value} WHERE id = 2`);
  expect(() => stage(path)).toThrow(
    'auth_user row 2 (id 2): first_name: longer than 150 characters',
  );
});

test('refuses a table whose pages go round in circles', () => {
  const path = changed(`
    WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 1000)
    INSERT INTO auth_user
    SELECT 1000 + n, '!', NULL, 0, 'user' || n, '', '', 0, 1, '2024-03-18 02:30:00', '' FROM c`);
  const db = new DatabaseSync(path, { readOnly: true });
  const { rootpage } =
    db.prepare(`SELECT rootpage FROM sqlite_master WHERE name = 'auth_user'`).get() ?? {};
  db.close();
  // An interior page ends its header with the number of its last child (sqlite.org/fileformat2.html §1.6).
  const bytes = readFileSync(path);
  const pageSize = bytes.readUInt16BE(16);
  const page = bytes.subarray((Number(rootpage) - 1) * pageSize);
  expect(page[0]).toBe(5);
  const firstCell = page.readUInt16BE(12);
  page.copy(page, 8, firstCell, firstCell + 4);
  writeFileSync(path, bytes);
  expect(() => stage(path)).toThrow('the file is damaged: auth_user: ');
});

test.each([
  ['integer', 2 ** 31 - 1],
  ['bigint', 2 ** 31],
  ['bigint', 2 ** 52],
])('takes users whose tokens refer to them by %s: %d', (type, id) => {
  const { staging } = stage(withColumns(COLUMNS, valuesOf(id), type));
  expect([...staging.users()]).toMatchObject([{ id }]);
});

test.each([
  ['integer', 2n ** 31n, "more than 2147483647, the highest id of Django's AutoField"],
  ['bigint', 2n ** 52n + 1n, 'more than 4503599627370496, the highest id that can be imported'],
  ['bigint', 2n ** 53n + 1n, 'more than 4503599627370496, the highest id that can be imported'],
])('refuses users whose tokens refer to them by %s: %d', (type, id, reason) => {
  const path = withColumns(COLUMNS, valuesOf(id), type);
  expect(() => stage(path)).toThrow(`auth_user row 1 (id ${id}): id: ${reason}`);
});

test('refuses a file whose rows Django could not have written', () => {
  const path = withColumns(COLUMNS, valuesOf(7, { isStaff: "'f'" }));
  expect(() => stage(path)).toThrow('auth_user row 1 (id 7): is_staff: neither 0 nor 1');
});

test('refuses a file without the columns of a user', () => {
  const path = join(temporaryDirectory(), 'other.sqlite3');
  const db = new DatabaseSync(path);
  db.exec('CREATE TABLE auth_user (id)');
  db.close();
  expect(() => stage(path)).toThrow('the table auth_user has no column password');
});
