/** A D1 database in the process of the test. */
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { getPlatformProxy } from 'wrangler';
import { readConfiguration } from '../../src/manage/configuration.ts';
import type { Database } from '../../src/manage/database.ts';
import { withoutLimits } from './without-limits.ts';

const MIGRATIONS = 'drizzle';

/** Tables that are emptied before each test. */
const TABLES = ['knox_authtoken', 'authtoken_token', 'auth_user', 'sqlite_sequence'];

/**
 * Gives the tests of a file a database with the tables of the project. They are empty at each start.
 *
 * @returns a function that returns the database
 */
export function useLocalD1(): () => Database {
  let database: Database;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    const configPath = withoutLimits(false);
    const { env, dispose } = await getPlatformProxy<Env>({ configPath, persist: false });
    const statements = readMigrationFiles({ migrationsFolder: MIGRATIONS }).flatMap(
      ({ sql }) => sql,
    );
    await env.DB.batch(statements.map((sql) => env.DB.prepare(sql)));
    database = {
      d1: env.DB,
      isRemote: false,
      vars: env,
      migrationsDir: MIGRATIONS,
      configuration: await readConfiguration(),
      secretKey: async () => ({ kind: 'unknown' }),
      email: undefined,
    };
    stop = dispose;
  });
  afterAll(() => stop());
  beforeEach(async () => {
    const { d1 } = database;
    await d1.batch(TABLES.map((table) => d1.prepare(`DELETE FROM ${table}`)));
  });

  return () => database;
}
