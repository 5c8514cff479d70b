/** `manage export`: users and tokens of D1 into a file that Django reads. */
import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { number } from '../lib/format-number.ts';
import { bulkQueries } from '../store/operator/bulk.ts';
import { CommandError } from './command-error.ts';
import {
  type Comparison,
  createComparison,
  type Login,
  type MatchBy,
  type Side,
} from './comparison.ts';
import type { Database } from './database.ts';
import { type DeletedUsers, djangoScript, noChanges } from './django-changes.ts';
import { writeSqlite } from './django-sqlite.ts';
import { fixtureText, GZIP } from './dumpdata.ts';
import { printChanges } from './export-report.ts';
import { refuseUnlessIgnored } from './git-ignored.ts';
import { refuseMissing, refuseOrphans, refuseUnreadable, stageFile } from './import.ts';
import { type FileOptions, newReading, type Reading, refuseOtherUsers } from './reading.ts';
import { createStaging, type Staging } from './staging.ts';
import { note, print, STDIO, startProgress } from './terminal.ts';
import { AUTH_USER, parseUserModel, type UserModelOptions } from './user-model.ts';

type Bulk = ReturnType<typeof bulkQueries>;

export type Format = 'json' | 'sqlite' | 'script';

/** Accounts a query answers with: about half a megabyte. */
const PAGE_LENGTH = 1000;

/** The file contains credentials: only its owner may read it. */
const OWNER_ONLY = 0o600;

export type ExportOptions = UserModelOptions &
  FileOptions & {
    /** Only the users of these names. */
    user?: string[];
    /** The users and tokens that Django has now: a script is written that changes them. */
    against?: string[];
    /** The files that were imported here before. Required to find out who was deleted here. */
    imported?: string[];
    deletedUsers?: DeletedUsers;
    matchUsersBy?: MatchBy;
  };

/** The format by the name of the file; undefined if the name has no known ending. */
export function formatOf(path: string): Format | undefined {
  if (path.endsWith('.py')) return 'script';
  if (path === STDIO || path.endsWith('.json') || path.endsWith(`.json${GZIP}`)) return 'json';
  return /\.(sqlite3?|db)$/.test(path) ? 'sqlite' : undefined;
}

/**
 * Writes a new file completely or not at all, or a fixture to standard output.
 *
 * @param path `-` for standard output; a fixture whose name ends in `.gz` is compressed
 * @param command the words of the command line, for a message that repeats it
 * @throws CommandError if the file exists, or git would keep it
 */
export async function exportAccounts(
  { d1 }: Pick<Database, 'd1'>,
  path: string,
  format: Format,
  options: ExportOptions,
  command: string[],
): Promise<void> {
  if (path !== STDIO) {
    if (existsSync(path)) throw new CommandError(`${path} exists already`);
    refuseUnlessIgnored(path);
  }
  const bulk = bulkQueries(d1);
  if (format === 'script') return exportChanges(bulk, path, options, command);
  const staging = createStaging();
  try {
    await stageDatabase(bulk, staging);
    if (options.user) refuseMissing(staging.keepUsers(options.user));
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
    const knox = staging.countKnoxTokens();
    if (knox > 0) say(`Knox tokens exported: ${number(knox)}`);
  } finally {
    staging.close();
  }
}

/** Writes a script that gives the users in Django the values here, and creates and deletes users. */
async function exportChanges(
  bulk: Bulk,
  path: string,
  options: ExportOptions,
  command: string[],
): Promise<void> {
  const { user, against = [], imported = [] } = options;
  const { deletedUsers = 'keep', matchUsersBy = 'identity' } = options;
  const model = parseUserModel(options);
  await refuseUnreadable([...against, ...imported]);
  const stage = (files: string[]) => (staging: Staging) =>
    stageFiles(files, staging, newReading({ model, files: options, command }));
  const comparison = createComparison();
  try {
    const login = await addSide(comparison, 'django', stage(against));
    await addSide(comparison, 'imported', stage(imported));
    await addSide(comparison, 'here', async (staging) => {
      await stageDatabase(bulk, staging);
      return login;
    });
    // All users of a side are compared: one who is not moved can have the id of one who is.
    comparison.match(matchUsersBy);
    if (user) refuseMissing(comparison.keep(user));
    const changes = noChanges();
    const script = djangoScript(
      comparison,
      { ...model, login },
      { deletedUsers, isWhole: !user },
      changes,
    );
    await writeNew(path, (partial) => pipeline(Readable.from(script), createWriteStream(partial)));
    printChanges(changes, {
      path,
      deletedUsers,
      isImportedKnown: imported.length > 0,
      hasKnoxTokens: comparison.hasKnoxTokens(),
    });
  } finally {
    comparison.close();
  }
}

/** @param stage says what the users log in to Django with */
async function addSide(
  comparison: Comparison,
  side: Side,
  stage: (staging: Staging) => Promise<Login>,
): Promise<Login> {
  const staging = createStaging();
  try {
    const login = await stage(staging);
    comparison.add(side, staging, login);
    return login;
  } finally {
    staging.close();
  }
}

/**
 * @returns what the users log in with. No file says it: it is the address if the address is every
 *   user's username
 * @throws CommandError if a user has no id: then nothing says who it is. Also for users of another
 *   model, and for a token without a user
 */
async function stageFiles(paths: string[], staging: Staging, reading: Reading): Promise<Login> {
  const isCustom = reading.model.label !== AUTH_USER.label;
  let usesAddress = isCustom;
  const withIds: Staging = {
    ...staging,
    addUser(user, known) {
      if (user.id === null) {
        throw new CommandError(
          `${user.username} has no id: write the file without --natural-primary`,
        );
      }
      if (user.email !== user.username) usesAddress = false;
      staging.addUser(user, known);
    },
  };
  for (const path of paths) await stageFile(path, withIds, reading);
  refuseOtherUsers(reading, staging.countUsers());
  refuseOrphans(staging);
  return usesAddress ? 'email' : 'username';
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
  for (let last = Number.MIN_SAFE_INTEGER, rows = PAGE_LENGTH; rows === PAGE_LENGTH; ) {
    const page = await bulk.pageOfKnoxTokens(last, PAGE_LENGTH);
    for (const token of page) staging.addStoredKnoxToken(token);
    last = Number(page.at(-1)?.at(-1) ?? last);
    rows = page.length;
  }
}
