import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { stageSqlite } from '../../src/manage/django-sqlite.ts';
import { stageDumpdata } from '../../src/manage/dumpdata.ts';
import { createStaging } from '../../src/manage/staging.ts';
import { temporaryDirectory } from './command-line.ts';
import { token, user } from './records.ts';

async function stage(content: string | Uint8Array) {
  const path = join(temporaryDirectory(), 'dump.json');
  writeFileSync(path, content);
  const staging = createStaging();
  const contents = await stageDumpdata(path, staging);
  return { staging, contents };
}

const stageRecords = (...records: unknown[]) => stage(JSON.stringify(records));

test.each([
  [
    'a missing field',
    [user(1), user(2, { email: undefined })],
    'record 2 (auth.user): email: missing',
  ],
  [
    'a field that Django has not',
    [user(1, { phone: '1' })],
    'record 1 (auth.user): phone: not a field of this model',
  ],
  [
    'a name that is no string',
    [user(1, { username: 7 })],
    'record 1 (auth.user): username: not a string',
  ],
  ['a blank name', [user(1, { username: '' })], 'record 1 (auth.user): username: blank'],
  [
    'a name too long',
    [user(1, { username: 'x'.repeat(151) })],
    'record 1 (auth.user): username: longer than 150 characters',
  ],
  [
    'half a surrogate pair',
    [user(1, { first_name: '\ud83d' })],
    'record 1 (auth.user): first_name: has half a surrogate pair',
  ],
  [
    'a flag that is a number',
    [user(1, { is_staff: 1 })],
    'record 1 (auth.user): is_staff: neither true nor false',
  ],
  [
    'a day that never was',
    [user(1, { date_joined: '2023-02-29T00:00:00Z' })],
    'record 1 (auth.user): date_joined: not a datetime',
  ],
  ['no primary key', [{ ...user(1), pk: undefined }], 'record 1 (auth.user): pk: missing'],
  [
    'a natural key',
    [user(1), token('a', ['user1'])],
    'record 2 (authtoken.token): user: not a number (dump without --natural-foreign)',
  ],
  [
    'a token key too long',
    [user(1), token('a'.repeat(41), 1)],
    'record 2 (authtoken.token): pk: longer than 40 characters',
  ],
  [
    'two users of one name',
    [user(1), user(2, { username: 'user1' })],
    'record 2 (auth.user): there is a user of the same username before it',
  ],
  [
    'two users of one id',
    [user(1), user(1, { username: 'b' })],
    'record 2 (auth.user): there is a user of the same id before it',
  ],
  [
    'two tokens of one user',
    [user(1), token('a', 1), token('b', 1)],
    'record 3 (authtoken.token): there is a token of the same user before it',
  ],
  [
    'two tokens of one key',
    [user(1), user(2), token('a', 1), token('a', 2)],
    'record 4 (authtoken.token): there is a token of the same key before it',
  ],
  ['a record without a model', [{ pk: 1 }], 'record 1: not a record: it has no model'],
])('refuses %s, with the record and the reason', async (_, records, reason) => {
  await expect(stageRecords(...records)).rejects.toThrow(reason);
});

test.each([
  [
    'cut off in a record',
    JSON.stringify([user(1), user(2)]).slice(0, -40),
    'record 2: the JSON breaks off',
  ],
  [
    'cut off between records',
    `${JSON.stringify([user(1), user(2)]).slice(0, -1)},`,
    'record 3: the JSON breaks off',
  ],
  [
    'without its closing bracket',
    JSON.stringify([user(1)]).slice(0, -1),
    'record 2: the JSON breaks off',
  ],
  ['not an array', '{"model": "auth.user"}', 'not a JSON array of records'],
  ['no JSON', 'CommandError: no', 'not a JSON array of records'],
  ['empty', '', 'not a JSON array of records'],
  [
    'in UTF-16',
    Buffer.from(`\ufeff${JSON.stringify([user(1)])}`, 'utf16le'),
    'not a JSON array of records, in UTF-8',
  ],
  [
    'in Latin-1',
    Buffer.from(JSON.stringify([user(1, { first_name: 'Zoë' })]), 'latin1'),
    'in UTF-8',
  ],
])('refuses a file that is %s', async (_, content, reason) => {
  await expect(stage(content)).rejects.toThrow(reason);
});

test('never quotes a value in a refusal', async () => {
  const refusal = stageRecords(user(1, { password: 'x'.repeat(129) }));
  await expect(refusal).rejects.toThrow(
    /^record 1 \(auth\.user\): password: longer than 128 characters$/,
  );
});

test('finds a token whose user is not in the file', async () => {
  const { staging } = await stageRecords(token('b', 2), user(1), token('a', 1));
  expect(staging.tokenWithoutUser()).toEqual({ record: 1, userId: 2 });
});

test('takes tokens before their users, as an alphabetical dump has them', async () => {
  const { staging } = await stageRecords(token('a', 1), user(1));
  expect(staging.tokenWithoutUser()).toBeUndefined();
});

test('counts the records of other models and the users in groups', async () => {
  const group = { model: 'auth.group', pk: 1, fields: { name: 'editors' } };
  const { staging, contents } = await stageRecords(group, user(1, { groups: [1] }), user(2), group);
  expect(contents).toEqual({ ignored: new Map([['auth.group', 2]]), withGroups: 1 });
  expect(staging.countUsers()).toBe(2);
});

test.each([
  ['2019-06-01T12:30:45.123Z', '2019-06-01 12:30:45.123000'],
  ['2019-06-01T12:30:45.123456Z', '2019-06-01 12:30:45.123456'],
  ['2019-06-01T12:30:45Z', '2019-06-01 12:30:45'],
  ['2019-06-01T12:30:45.000Z', '2019-06-01 12:30:45.000000'],
  ['2019-06-01T00:30:45.5+02:00', '2019-05-31 22:30:45.500000'],
  ['2019-06-01T12:30:45', '2019-06-01 12:30:45'],
])('keeps the moment %s as %s', async (dumped, stored) => {
  const { staging } = await stageRecords(user(1, { last_login: dumped }));
  expect([...staging.users()]).toMatchObject([{ last_login: stored }]);
});

test('refuses an SQLite file whose rows Django could not have written', () => {
  const path = join(temporaryDirectory(), 'broken.sqlite3');
  const db = new DatabaseSync(path);
  db.exec(`CREATE TABLE auth_user (id, password, last_login, is_superuser, username, last_name, email,
      is_staff, is_active, date_joined, first_name);
    CREATE TABLE authtoken_token (key, created, user_id);
    INSERT INTO auth_user VALUES (7, '', NULL, 'f', 'ann', '', '', 0, 1, '2024-03-18 02:30:00', '')`);
  db.close();
  expect(() => stageSqlite(path, createStaging())).toThrow(
    'auth_user row 1 (id 7): is_superuser: neither 0 nor 1',
  );
});

test('refuses an SQLite file without the tables', () => {
  const path = join(temporaryDirectory(), 'other.sqlite3');
  new DatabaseSync(path).exec('CREATE TABLE auth_user (id)');
  expect(() => stageSqlite(path, createStaging())).toThrow('the file has no table authtoken_token');
});
