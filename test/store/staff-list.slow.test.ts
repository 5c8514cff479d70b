/** The lists for staff with a million users: at most 50 ms of the database, and bounded rows. */

import { readMigrationFiles } from 'drizzle-orm/migrator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getPlatformProxy } from 'wrangler';
import { SCAN_LENGTH } from '../../src/store/staff-list.ts';
import { insertUsers, LISTS, readList } from '../helpers/staff-lists.ts';
import { withoutLimits } from '../helpers/without-limits.ts';

const USERS = 1_000_000;
const MAX_MS = 50;
const MAX_ROWS = SCAN_LENGTH * 6;

let d1: D1Database;
let stop: () => Promise<void>;

beforeAll(async () => {
  const configPath = withoutLimits(false);
  const { env, dispose } = await getPlatformProxy<Env>({ configPath, persist: false });
  stop = dispose;
  d1 = env.DB;
  const files = readMigrationFiles({ migrationsFolder: 'drizzle' });
  await d1.batch(files.flatMap(({ sql }) => sql).map((sql) => d1.prepare(sql)));
  await insertUsers(d1, USERS);
}, 600_000);
afterAll(() => stop());

it('the database has a million users', async () => {
  const users = await d1.prepare('SELECT count(*) AS users FROM auth_user').first<number>('users');
  expect(users).toBe(USERS);
});

describe.each(LISTS)('$name', (list) => {
  it('takes at most 50 ms and reads bounded rows for each page', async () => {
    const { costs } = await readList(d1, list, 3);
    for (const { ms, rowsRead } of costs) {
      expect(rowsRead).toBeLessThanOrEqual(MAX_ROWS);
      expect(ms).toBeLessThanOrEqual(MAX_MS);
    }
    const [first] = costs;
    console.log(`${list.name}: ${first?.ms} ms, ${first?.rowsRead} rows`);
  });
});
