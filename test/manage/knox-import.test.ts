/** Files of a Django with knox (test/conformance/knox-tokens.json). */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { useManage } from '../helpers/manage.ts';
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

test('a token of knox goes to no user who is not in the files, unless the option says so', async () => {
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
