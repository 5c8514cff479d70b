/** A D1 in this process, for tests of many cases that need no process of their own. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getPlatformProxy } from 'wrangler';

const MIGRATIONS = 'drizzle';

/** @returns a database with the project's tables and nobody in them, and what ends it */
export async function startLocalD1(): Promise<{ d1: D1Database; stop: () => Promise<void> }> {
  const { env, dispose } = await getPlatformProxy<Env>({ persist: false, remoteBindings: false });
  const files = readdirSync(MIGRATIONS).filter((file) => file.endsWith('.sql'));
  for (const file of files.sort()) {
    const sql = readFileSync(join(MIGRATIONS, file), 'utf8');
    await env.DB.batch(
      sql.split('--> statement-breakpoint').map((statement) => env.DB.prepare(statement)),
    );
  }
  return { d1: env.DB, stop: dispose };
}
