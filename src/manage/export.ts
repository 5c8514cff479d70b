/** `manage export`: users and tokens of D1 into a file that Django reads. */
import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { bulkQueries } from '../store/operator/bulk.ts';
import { CommandError } from './command-error.ts';
import type { Database } from './database.ts';
import { writeSqlite } from './django-sqlite.ts';
import { writeDumpdata } from './dumpdata.ts';
import { createStaging, type Staging } from './staging.ts';
import { number, print, startProgress } from './terminal.ts';

type Bulk = ReturnType<typeof bulkQueries>;

export type Format = 'json' | 'sqlite';

/** Accounts a query answers with: about half a megabyte. */
const PAGE_LENGTH = 1000;

/** What it holds logs everybody in. */
const OWNER_ONLY = 0o600;

/** The format a file's name asks for; undefined where it asks for none. */
export function formatOf(path: string): Format | undefined {
  if (path.endsWith('.json')) return 'json';
  return /\.(sqlite3?|db)$/.test(path) ? 'sqlite' : undefined;
}

/**
 * Writes a new file, whole or not at all.
 *
 * @throws CommandError where the file exists
 */
export async function exportFile(database: Database, path: string, format: Format): Promise<void> {
  if (existsSync(path)) throw new CommandError(`${path} exists already`);
  const bulk = bulkQueries(database.d1);
  const staging = createStaging();
  const partial = `${path}.partial`;
  try {
    await stageDatabase(bulk, staging);
    await rm(partial, { force: true });
    await writeFile(partial, '', { flag: 'wx', mode: OWNER_ONLY });
    if (format === 'json') await writeDumpdata(partial, staging);
    else writeSqlite(partial, staging, await bulk.lastUserId());
    await rename(partial, path);
    print(`Users exported:  ${number(staging.countUsers())}`);
    print(`Tokens exported: ${number(staging.countTokens())}`);
  } finally {
    await rm(partial, { force: true });
    staging.close();
  }
}

async function stageDatabase(bulk: Bulk, staging: Staging): Promise<void> {
  using progress = startProgress('Reading', await bulk.countUsers());
  let done = 0;
  for (let last = 0, rows = PAGE_LENGTH; rows === PAGE_LENGTH; ) {
    const page = await bulk.pageOfAccounts(last, PAGE_LENGTH);
    for (const account of page) staging.addAccount(account);
    last = Number(page.at(-1)?.[0]);
    rows = page.length;
    done += rows;
    progress.reach(done);
  }
}
