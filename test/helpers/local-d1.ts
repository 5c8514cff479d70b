/** A D1 in this process, for tests of many cases that need no process of their own. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getPlatformProxy } from 'wrangler';
import type { Database } from '../../src/manage/database.ts';

const migrationsDir = 'drizzle';

/** @returns a database with the project's tables and nobody in them, and what ends it */
export async function startLocalD1(): Promise<Database & { stop: () => Promise<void> }> {
  const { env, dispose } = await getPlatformProxy<Env>({ persist: false, remoteBindings: false });
  const files = readdirSync(migrationsDir).filter((file) => file.endsWith('.sql'));
  for (const file of files.sort()) {
    const sql = readFileSync(join(migrationsDir, file), 'utf8');
    await env.DB.batch(
      sql.split('--> statement-breakpoint').map((statement) => env.DB.prepare(statement)),
    );
  }
  const hasPasswordHasher = true;
  return { d1: env.DB, vars: env, migrationsDir, hasPasswordHasher, stop: dispose };
}
