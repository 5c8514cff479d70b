import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, expect, test, vi } from 'vitest';
import { stageFixture } from '../../src/manage/dumpdata.ts';
import { newReading } from '../../src/manage/reading.ts';
import { createStaging } from '../../src/manage/staging.ts';
import { token, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const DUMP = 'dump.json';

// It gets the progress.
beforeEach(() => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});

/** Reads a fixture. The database has these users. */
async function stage(content: string | Uint8Array, known = new Map<string, number>(), name = DUMP) {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, content);
  const staging = createStaging();
  const asked: string[] = [];
  const reading = newReading({
    namesKnownUsers: true,
    findUserIds: async (usernames) => {
      asked.push(...usernames);
      return known;
    },
  });
  await stageFixture(path, staging, reading);
  return { staging, ignored: reading.ignored, asked };
}

const stageRecords = (...records: unknown[]) => stage(JSON.stringify(records));

test.each([
  [
    'a missing field that has no default',
    [user(1), token('a', undefined)],
    'record 2 (authtoken.token): user: missing',
  ],
  [
    'a field that Django has not',
    [user(1, { phone: '1' })],
    'record 1 (auth.user): phone: not a field of this model',
  ],
  [
    'null where none may be',
    [user(1, { email: null })],
    'record 1 (auth.user): email: null, which it cannot be',
  ],
  [
    'a name that is no string',
    [user(1, { username: ['a'] })],
    'record 1 (auth.user): username: not a string',
  ],
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
    'a flag that is neither',
    [user(1, { is_staff: 2 })],
    'record 1 (auth.user): is_staff: neither true nor false',
  ],
  [
    'a day that never was',
    [user(1, { date_joined: '2023-02-29T00:00:00Z' })],
    'record 1 (auth.user): date_joined: not a datetime',
  ],
  ['a primary key that is no number', [{ ...user(1), pk: 'x' }], 'pk: not a whole number'],
  ['fields that are a list', [{ ...user(1), fields: [] }], 'fields: not an object'],
  ['no fields', [{ model: 'auth.user', pk: 1 }], 'record 1 (auth.user): fields: missing'],
  [
    'a natural key of nobody',
    [user(1), token('a', ['user2'])],
    'record 2 (authtoken.token): user: no earlier record has that username',
  ],
  [
    'a natural key of a user who comes later',
    [token('a', ['user1']), user(1)],
    'record 1 (authtoken.token): user: no earlier record has that username',
  ],
  [
    'a natural key of two',
    [user(1), token('a', ['user1', 'user1'])],
    'record 2 (authtoken.token): user: neither the number of a user nor its username in a list',
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
    'two tokens of one user',
    [user(1), token('a', 1), token('b', 1)],
    'record 3 (authtoken.token): there is a token of the same user before it',
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
  ['no JSON', 'CommandError: no', 'not a JSON array of records'],
  ['a number', '1', 'not a JSON array of records'],
  ['blank', ' \n', 'an empty file'],
  ['followed by half a word', `${JSON.stringify([user(1)])}tr`, 'text after the closing bracket'],
  [
    'followed by half a character',
    Buffer.concat([Buffer.from('[]'), Buffer.of(0xc3)]),
    'not in UTF-8',
  ],
  ['an array and an object', '[]{}', 'there is text after the closing bracket here, near line 1'],
  ['an object and an array', `${JSON.stringify(user(1))}\n[]`, 'record 2: the JSON breaks off'],
  [
    'JSON Lines cut off',
    `${JSON.stringify(user(1))}\n{"model": "au`,
    'record 2: the JSON breaks off',
  ],
  ['JSON Lines and a word', `${JSON.stringify(user(1))}\ntru`, 'record 2: the JSON breaks off'],
  ['half a UTF-16 character', Buffer.from('\ufeff[]', 'utf16le').subarray(0, -1), 'not in UTF-16'],
  [
    'in Latin-1',
    Buffer.from(JSON.stringify([user(1, { first_name: 'Zoë' })]), 'latin1'),
    'in UTF-8',
  ],
])('refuses a file that is %s', async (_, content, reason) => {
  await expect(stage(content)).rejects.toThrow(reason);
});

const LINES = [user(1), user(2), user(3)].map((record) => JSON.stringify(record));

test.each([
  ['in a line', `[\n${LINES.join(',\n')}`.replace('"user2"', 'user2'), 'record 2: ', 'line 3'],
  ['on one line', `[${LINES.join()}]`.replace('"user3"', "'user3'"), 'record 3: ', 'line 1'],
  ['between', `[\n${LINES.join('\n')}\n]`, 'record 2: ', 'line 3'],
])('names the place of malformed JSON: %s', async (_, content, record, line) => {
  await expect(stage(content)).rejects.toThrow(
    `${record}the JSON breaks off or is malformed here, near ${line}; expected [{"model": "auth.user"`,
  );
});

test('names the place of text that is not UTF-8', async () => {
  const content = Buffer.from(`[\n${LINES.join(',\n')}]`.replace('"user2"', '"Zoë"'), 'latin1');
  await expect(stage(content)).rejects.toThrow('record 2: not in UTF-8 here, near line 3');
});

test('reads a fixture compressed with gzip, and refuses one that is cut off', async () => {
  const compressed = gzipSync(`[${LINES.join()}]`);
  const { staging } = await stage(compressed, new Map(), `${DUMP}.gz`);
  expect(staging.countUsers()).toBe(3);
  await expect(stage(compressed.subarray(0, -20), new Map(), `${DUMP}.gz`)).rejects.toThrow(
    'the gzip data breaks off or is broken here',
  );
  await expect(stage(compressed.subarray(0, 5))).rejects.toThrow('the gzip data breaks off');
});

/** A record of another model, which Django may have in any size. */
const rock = (fields: object) => ({ model: 'rockapi.rock', pk: 1, fields });

test('refuses a record that is too long for the memory of an import', async () => {
  const withName = (length: number) => stageRecords(user(1), rock({ name: 'x'.repeat(length) }));
  expect((await withName(990_000)).ignored).toEqual(new Map([['rockapi.rock', 1]]));
  const reason = 'record 2: more than 1,000,000 characters in one record here';
  await expect(withName(1_000_000)).rejects.toThrow(reason);
});

test('refuses a text that never becomes an array', async () => {
  const text = `"${'x'.repeat(1_100_000)}`;
  await expect(stage(text)).rejects.toThrow('not a JSON array of records');
});

test('refuses arrays and objects that are nested deeper than Python reads them', async () => {
  const withDepth = (depth: number) =>
    stage(`[{"model": "a.b", "fields": ${'['.repeat(depth)}1${']'.repeat(depth)}}]`);
  expect((await withDepth(990)).ignored).toEqual(new Map([['a.b', 1]]));
  const reason = 'record 1: more than 1,000 objects and arrays within each other here';
  await expect(withDepth(1001)).rejects.toThrow(reason);
  await expect(stage('['.repeat(100_000))).rejects.toThrow(reason);
});

test('counts any number of models, in a list that stays short', async () => {
  const models = Array.from({ length: 2000 }, (_, i) => ({ model: `app.model${i}` }));
  const { ignored } = await stageRecords(...models);
  expect(ignored.size).toBe(501);
  expect(ignored.get('others')).toBe(1500);
});

test('refuses a model whose name is longer than Django has', async () => {
  const named = (length: number) => stageRecords({ model: 'm'.repeat(length) });
  expect((await named(201)).ignored.size).toBe(1);
  await expect(named(202)).rejects.toThrow('record 1: not a record: it has no model');
});

test.each([2 ** 31 - 1, -(2 ** 31 - 1)])('takes the id %j of an AutoField', async (pk) => {
  const { staging } = await stageRecords(user(pk), token('a', pk));
  expect([...staging.users()]).toMatchObject([{ id: pk }]);
});

test.each([2 ** 31, 2 ** 53, '9007199254740993', '-2147483648'])(
  'refuses the id %j, which no AutoField has',
  async (pk) => {
    const reason = "more than 2147483647, the highest id of Django's AutoField";
    await expect(stageRecords({ ...user(1), pk })).rejects.toThrow(
      `record 1 (auth.user): pk: ${reason}`,
    );
    await expect(stageRecords(user(1), token('a', pk))).rejects.toThrow(
      `record 2 (authtoken.token): user: ${reason}`,
    );
  },
);

test('never quotes a value in a refusal', async () => {
  const refusal = stageRecords(user(1, { password: 'x'.repeat(129) }));
  await expect(refusal).rejects.toThrow(
    /^record 1 \(auth\.user\): password: longer than 128 characters$/,
  );
});

test('finds a token whose user is not in the file', async () => {
  const { staging } = await stageRecords(token('b', 2), user(1), token('a', 1));
  expect(staging.tokenWithoutUser()).toMatchObject({ record: 1, user: '2' });
});

test.each([
  ['a user of the same id', [user(1), user(1, { username: 'b' })], [{ id: 1, username: 'b' }]],
  [
    'a user of the same natural key',
    [user(7), { ...user(1, { username: 'user7', email: 'b@example.com' }), pk: null }],
    [{ id: 7, username: 'user7', email: 'b@example.com' }],
  ],
])('the last of two records counts: %s', async (_, records, users) => {
  const { staging } = await stageRecords(...records);
  expect([...staging.users()]).toMatchObject(users);
});

test('the last of two tokens of one key counts', async () => {
  const { staging } = await stageRecords(user(1), user(2), token('a', 1), token('a', 2));
  expect([...staging.tokens()]).toMatchObject([{ key: 'a', user_id: 2 }]);
});

test('a natural key finds the user of the database', async () => {
  const { pk, ...natural } = user(1);
  const { staging, asked } = await stage(
    JSON.stringify([natural, token('a', ['user1']), token('b', ['user2'])]),
    new Map([
      ['user1', 17],
      ['user2', 18],
    ]),
  );
  expect([...staging.users()]).toMatchObject([{ id: 17, username: 'user1' }]);
  expect([...staging.tokens()]).toMatchObject([{ user_id: 17 }, { user_id: 18 }]);
  expect(asked).toEqual(['user1', 'user1', 'user2']);
});

test('a natural key takes no id that a record has given to another name', async () => {
  const { pk, ...natural } = user(1, { username: 'ann' });
  const known = new Map([['ann', 1]]);
  const { staging } = await stage(JSON.stringify([user(1, { username: 'bob' }), natural]), known);
  expect([...staging.users()]).toMatchObject([
    { id: 1, username: 'bob' },
    { id: 2, username: 'ann' },
  ]);
});

test('a number keeps its digits where text is meant', async () => {
  const fixture = JSON.stringify([user(1, { username: 'NUMBER' })]);
  const { staging } = await stage(fixture.replace('"NUMBER"', '12345678901234567890'));
  expect([...staging.users()]).toMatchObject([{ username: '12345678901234567890' }]);
});

test.each([' 5 ', '+5', '0_5', 5])('reads the primary key %j as 5', async (pk) => {
  const { staging } = await stageRecords({ ...user(1), pk });
  expect([...staging.users()]).toMatchObject([{ id: 5 }]);
});

test('takes tokens before their users, as an alphabetical dump has them', async () => {
  const { staging } = await stageRecords(token('a', 1), user(1));
  expect(staging.tokenWithoutUser()).toBeUndefined();
});

test('counts the records of other models and the users in groups', async () => {
  const group = { model: 'auth.group', pk: 1, fields: { name: 'editors' } };
  const member = user(1, { groups: [1] });
  const { staging, ignored } = await stageRecords(group, member, member, user(2), group);
  expect(ignored).toEqual(new Map([['auth.group', 2]]));
  expect(staging.countInGroups()).toBe(1);
  expect(staging.countUsers()).toBe(2);
});

test.each([
  ...['', '20190601', '2019-06-01Z', '2019-06-31', '0000-01-01', '2019-06-01T24:00'],
  ...['2019-06-01T12:60', '2019-06-01T12:30:60', '2019-06-01T12:30+23:99', '2019-06-01t12:30'],
  ...['0001-01-01T00:00+02:00', '9999-12-31T23:59-00:01', 5, true],
])('refuses the moment %j', async (moment) => {
  const staged = stageRecords(user(1, { last_login: moment }));
  await expect(staged).rejects.toThrow('last_login: not a datetime');
});

test.each([
  ['2019-06-01T12:30:45.123Z', '2019-06-01 12:30:45.123000'],
  ['2019-06-01T12:30:45.123456Z', '2019-06-01 12:30:45.123456'],
  ['2019-06-01T12:30:45Z', '2019-06-01 12:30:45'],
  ['2019-06-01T12:30:45.000Z', '2019-06-01 12:30:45.000000'],
  ['2019-06-01T00:30:45.5+02:00', '2019-05-31 22:30:45.500000'],
  ['2019-06-01T12:30:45', '2019-06-01 12:30:45'],
  ['2019-6-1', '2019-06-01 00:00:00'],
  ['2019-06-01 1:2', '2019-06-01 01:02:00'],
  ['2019-06-01T12:30:45,1234567Z', '2019-06-01 12:30:45.123456'],
  ['2019-06-01T12:30-0130', '2019-06-01 14:00:00'],
  ['2019-06-01T12:30+02', '2019-06-01 10:30:00'],
])('keeps the moment %s as %s', async (dumped, stored) => {
  const { staging } = await stageRecords(user(1, { last_login: dumped }));
  expect([...staging.users()]).toMatchObject([{ last_login: stored }]);
});
