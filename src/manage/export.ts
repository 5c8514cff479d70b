/** `manage export`: users and tokens of D1 into a file that Django reads. */
import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { bulkQueries } from '../store/operator/bulk.ts';
import { CommandError } from './command-error.ts';
import type { Database } from './database.ts';
import { writeSqlite } from './django-sqlite.ts';
import { fixtureText, GZIP } from './dumpdata.ts';
import { createStaging, type Staging } from './staging.ts';
import { note, number, print, STDIO, startProgress } from './terminal.ts';

type Bulk = ReturnType<typeof bulkQueries>;

export type Format = 'json' | 'sqlite';

/** Accounts a query answers with: about half a megabyte. */
const PAGE_LENGTH = 1000;

/** The file contains credentials: only its owner may read it. */
const OWNER_ONLY = 0o600;

/** The format by the name of the file; undefined if the name has no known ending. */
export function formatOf(path: string): Format | undefined {
  if (path === STDIO || path.endsWith('.json') || path.endsWith(`.json${GZIP}`)) return 'json';
  return /\.(sqlite3?|db)$/.test(path) ? 'sqlite' : undefined;
}

/**
 * Writes a new file completely or not at all, or a fixture to standard output.
 *
 * @param path `-` for standard output; a fixture whose name ends in `.gz` is compressed
 * @throws CommandError if the file exists
 */
export async function exportAccounts(
  { d1 }: Pick<Database, 'd1'>,
  path: string,
  format: Format,
): Promise<void> {
  if (path !== STDIO && existsSync(path)) throw new CommandError(`${path} exists already`);
  const bulk = bulkQueries(d1);
  const staging = createStaging();
  try {
    await stageDatabase(bulk, staging);
    const text = () => Readable.from(fixtureText(staging));
    if (path === STDIO) {
      await pipeline(text(), process.stdout, { end: false });
    } else {
      await writeNew(path, async (partial) => {
        if (format === 'sqlite') writeSqlite(partial, staging, await bulk.lastUserId());
        else if (path.endsWith(GZIP)) {
          await pipeline(text(), createGzip(), createWriteStream(partial));
        } else await pipeline(text(), createWriteStream(partial));
      });
    }
    const say = path === STDIO ? note : print;
    say(`Users exported:  ${number(staging.countUsers())}`);
    say(`Tokens exported: ${number(staging.countTokens())}`);
  } finally {
    staging.close();
  }
}

/** Gives a file its name once it is whole. */
async function writeNew(path: string, write: (partial: string) => Promise<void>): Promise<void> {
  const partial = `${path}.partial`;
  try {
    await rm(partial, { force: true });
    await writeFile(partial, '', { flag: 'wx', mode: OWNER_ONLY });
    await write(partial);
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

async function stageDatabase(bulk: Bulk, staging: Staging): Promise<void> {
  using progress = startProgress('Reading', await bulk.countUsers());
  let done = 0;
  for (let last = Number.MIN_SAFE_INTEGER, rows = PAGE_LENGTH; rows === PAGE_LENGTH; ) {
    const page = await bulk.pageOfAccounts(last, PAGE_LENGTH);
    for (const account of page) staging.addAccount(account);
    last = Number(page.at(-1)?.[0]);
    rows = page.length;
    done += rows;
    progress.reach(done);
  }
}
