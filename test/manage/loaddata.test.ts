/** Fixtures as a real `manage.py loaddata` read them (test/conformance/loaddata-cases.json). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { importFiles } from '../../src/manage/import.ts';
import recorded from '../conformance/loaddata-cases.json' with { type: 'json' };
import { temporaryDirectory } from './command-line.ts';
import { startLocalD1 } from './local-d1.ts';

const Rows = v.array(v.record(v.string(), v.union([v.string(), v.number(), v.null()])));

/** `refused`: what Django answered; nothing was written. */
const Cases = v.array(
  v.object({
    id: v.string(),
    files: v.array(v.array(v.unknown())),
    expect: v.object({ users: Rows, tokens: Rows, refused: v.optional(v.string()) }),
  }),
);

/** What is refused there and read here, on purpose. */
const DIFFERENT = ['a token without created', 'a model nobody knows'];

const cases = v.parse(Cases, recorded.cases);
const alike = cases.filter(({ id }) => !DIFFERENT.includes(id));

let local: Awaited<ReturnType<typeof startLocalD1>>;
beforeAll(async () => {
  local = await startLocalD1();
});
afterAll(() => local.stop());
afterEach(() => vi.restoreAllMocks());

/** What the operator is told. */
let output = '';

beforeEach(async () => {
  output = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      output += text;
      return true;
    });
  }
  await local.d1.exec('DELETE FROM authtoken_token');
  await local.d1.exec('DELETE FROM auth_user');
  await local.d1.exec('DELETE FROM sqlite_sequence');
});

async function load(files: unknown[][]): Promise<void> {
  const directory = temporaryDirectory();
  const paths = files.map((records, i) => {
    const path = join(directory, `f${i}.json`);
    writeFileSync(path, JSON.stringify(records));
    return path;
  });
  await importFiles(local, paths, { onConflict: 'fail' });
}

const rows = async (sql: string) => (await local.d1.prepare(sql).all()).results;

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

function recordedCase(id: string) {
  const found = cases.find((recorded) => recorded.id === id);
  if (!found) throw new Error(`no case "${id}"`);
  return found;
}
