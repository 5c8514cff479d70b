/**
 * `manage import`: users and tokens of a Django project into D1. Three passes, each flat in memory:
 * all files into the staging, where all of it is checked; the staging against the database; and
 * only then, a chunk of whole accounts at a time, into the database.
 */
import { access, constants, stat } from 'node:fs/promises';
import { djangoDatetime } from '../lib/django-datetime.ts';
import { count } from '../lib/format-number.ts';
import { parseSettings } from '../settings.ts';
import { runWriteWithRetry } from '../store/d1-errors.ts';
import {
  type Accounts,
  bulkQueries,
  MAX_ROWS_BYTES,
  USER_COLUMNS,
} from '../store/operator/bulk.ts';
import { CommandError } from './command-error.ts';
import { moment } from './comparison.ts';
import type { Database } from './database.ts';
import { stageSqlite } from './django-sqlite.ts';
import { stageFixture } from './dumpdata.ts';
import {
  type FileOptions,
  newReading,
  otherUserModel,
  type Reading,
  refuseOtherUsers,
} from './reading.ts';
import { MAX_IDS } from './records.ts';
import { printConflicts, printReport } from './report.ts';
import { isSqlite } from './sqlite-file.ts';
import { type Account, createStaging, type Staging } from './staging.ts';
import { fileName, note, STDIO, startProgress } from './terminal.ts';
import { parseUserModel, type UserModelOptions } from './user-model.ts';

type OnConflict = 'fail' | 'skip' | 'update';

export type ImportOptions = UserModelOptions &
  FileOptions & {
    dryRun?: boolean;
    onConflict: OnConflict;
    /**
     * How to import inactive users who have never logged in and have no token. Django does not say
     * whether they were deactivated or wait for activation. By default no link can activate them.
     */
    inactiveUsers?: 'deactivated' | 'waiting';
    /** Only the users of these names. */
    user?: string[];
    /** Whether users whose id belongs to another user here get another one. */
    newIds?: boolean;
    /**
     * How a token finds its user in the database if the files do not have the user. By default it is
     * refused: the user of that id or name may be another person.
     */
    matchUsersBy?: 'id' | 'username';
  };

type Bulk = ReturnType<typeof bulkQueries>;

/** Users that one query looks for. */
const USERS_LENGTH = 1000;

/**
 * @param paths fixtures and SQLite files, in the order in which `loaddata` would read them
 * @param command the words of the command line, for a message that repeats it
 * @throws CommandError for a file that is broken and, unless `onConflict` says what to do, for a
 *   conflict: then nothing was written
 */
export async function importFiles(
  { d1, vars }: Pick<Database, 'd1' | 'vars'>,
  paths: string[],
  options: ImportOptions,
  command: string[],
): Promise<void> {
  const { passwordHashers: hashers } = parseSettings(vars);
  const { dryRun = false, onConflict, inactiveUsers = 'deactivated' } = options;
  const { user, newIds, matchUsersBy } = options;
  const model = parseUserModel(options);
  await refuseUnreadable(paths);
  const bulk = bulkQueries(d1);
  const usersBefore = await bulk.countUsers();
  const lastUserId = await bulk.lastUserId();
  if (lastUserId > MAX_IDS.BigAutoField) {
    throw new CommandError('the ids of the database are too high for new users: see `doctor`');
  }
  const staging = createStaging(lastUserId);
  try {
    const reading = newReading({
      model,
      files: options,
      namesKnownUsers: matchUsersBy === 'username',
      command,
      ...(usersBefore > 0 ? { findUserIds: bulk.findUserIds } : {}),
    });
    for (const path of paths) await stageFile(path, staging, reading);
    refuseOtherUsers(reading, staging.countUsers());
    const hasUsers = staging.countUsers() > 0;
    if (model.isNamed && !hasUsers) throw otherUserModel(reading);
    if (usersBefore > 0) await findUuidUsers(bulk, staging);
    if (usersBefore > 0 && matchUsersBy) await addKnownUsers(bulk, staging, matchUsersBy);
    if (user) refuseMissing(staging.keepUsers(user));
    refuseOrphans(staging, orphanHints(hasUsers, usersBefore > 0, options));
    staging.deactivateMaybeWaiting({ areAll: inactiveUsers === 'deactivated' });
    if (usersBefore > 0) await classify(bulk, staging);
    if (newIds && (await giveNewIds(bulk, staging))) await classify(bulk, staging);
    refuseConflicts(staging, onConflict);
    if (!dryRun) await write(bulk, staging, onConflict);
    const isUpdate = onConflict === 'update';
    printReport(staging, reading, { dryRun, isUpdate, inactiveUsers, hashers });
  } finally {
    staging.close();
  }
}

/** @throws CommandError for the first file that cannot be read */
export async function refuseUnreadable(paths: string[]): Promise<void> {
  for (const path of paths) {
    if (path === STDIO) continue;
    const isReadable = await access(path, constants.R_OK).then(
      async () => !(await stat(path)).isDirectory(),
      () => false,
    );
    if (!isReadable) throw new CommandError(`cannot read ${path}`);
  }
}

/**
 * Reads a fixture or an SQLite file into the staging.
 *
 * @throws CommandError with the name of the file
 */
export async function stageFile(path: string, staging: Staging, reading: Reading): Promise<void> {
  try {
    if (path !== STDIO && isSqlite(path)) stageSqlite(path, staging, reading);
    else await stageFixture(path, staging, reading);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(`${fileName(path)}: ${error.message}`);
  }
}

/** Gives users with a UUID the ids of the users of the same username who are in the database. */
async function findUuidUsers(bulk: Bulk, staging: Staging): Promise<void> {
  let last = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const users = staging.uuidUsers(last, USERS_LENGTH);
    const here = await bulk.findUserIds(users.map(({ username }) => username));
    for (const { id, username } of users) {
      const known = here.get(username);
      if (known !== undefined) staging.moveUuidUser(id, known);
    }
    last = users.at(-1)?.id ?? last;
    if (users.length < USERS_LENGTH) return;
  }
}

/** Fetches the users whose tokens are in the files and who are not. */
async function addKnownUsers(
  bulk: Bulk,
  staging: Staging,
  matchUsersBy: 'id' | 'username',
): Promise<void> {
  let last = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const ids = staging.usersWithoutRecord(matchUsersBy, last, USERS_LENGTH);
    for (const user of await bulk.findUsers(ids)) staging.addKnownUser(user);
    last = ids.at(-1) ?? last;
    if (ids.length < USERS_LENGTH) return;
  }
}

/** Possible reasons for a token without a user, by how the token names its user. */
type OrphanHints = Partial<Record<'id' | 'uuid', string[]>>;

function orphanHints(
  hasUsers: boolean,
  mayBeHere: boolean,
  { userModel, matchUsersBy }: ImportOptions,
): OrphanHints {
  const isOther =
    userModel === undefined && !hasUsers
      ? ['If the project has its own user model, name it with --user-model']
      : [];
  const isHere =
    mayBeHere && matchUsersBy !== 'id'
      ? ['If the users of the database have the ids of the files, use --match-users-by id']
      : [];
  return { id: [...isOther, ...isHere], uuid: isOther };
}

/** @throws CommandError if a token has no user */
export function refuseOrphans(staging: Staging, hints: OrphanHints = {}): void {
  const orphan = staging.tokenWithoutUser();
  if (!orphan) return;
  const { model, file, record, user, namedBy, isOtherNumber } = orphan;
  const place = `${fileName(file)}: record ${record} (${model})`;
  if (isOtherNumber) {
    throw new CommandError(
      `${place}: it names its user by the id ${user}, but users of the files have no ids. ` +
        'Write the file again, with --natural-foreign and --natural-primary or without both',
    );
  }
  throw new CommandError(
    [`${place}: its user ${user} is not in the files`, ...(hints[namedBy] ?? [])].join('. '),
  );
}

async function classify(bulk: Bulk, staging: Staging): Promise<void> {
  using progress = startProgress('Comparing', staging.countUsers() + staging.countKnoxTokens());
  let done = 0;
  for (const chunk of chunks(staging.allAccounts())) {
    for (const { id, standing } of await bulk.classifyAccounts(chunk)) {
      staging.setStanding(id, standing);
    }
    done += chunk.length;
    progress.reach(done);
  }
  const now = djangoDatetime(new Date());
  for (const { rows, length } of pieces(staging.allKnoxTokens())) {
    for (const { digest, standing } of await bulk.classifyKnoxTokens(rows, now)) {
      staging.setKnoxStanding(digest, standing);
    }
    done += length;
    progress.reach(done);
  }
  staging.placeByKnoxTokens();
}

/**
 * Gives another id to each user whose id belongs to another user here. A user who was moved here
 * before has one already: the username and the moment of registration are the same.
 *
 * @returns whether any user has another id now
 */
async function giveNewIds(bulk: Bulk, staging: Staging): Promise<boolean> {
  const users = staging.taken();
  if (users.length === 0) return false;
  const known = new Map<number, number>();
  for (let start = 0; start < users.length; start += USERS_LENGTH) {
    const page = users.slice(start, start + USERS_LENGTH);
    const ids = await bulk.findUserIds(page.map(({ username }) => username));
    const joined = new Map(
      (await bulk.findUsers([...ids.values()])).map((values) => [
        Number(values[USER_COLUMNS.indexOf('id')]),
        moment(values[USER_COLUMNS.indexOf('date_joined')] ?? null),
      ]),
    );
    for (const { id, username, date_joined } of page) {
      const here = ids.get(username);
      if (here !== undefined && date_joined !== null && joined.get(here) === moment(date_joined)) {
        known.set(id, here);
      }
    }
  }
  staging.renumberTaken(known);
  return true;
}

/** @throws CommandError if users are named who do not exist */
export function refuseMissing(usernames: string[]): void {
  if (usernames.length > 0) throw new CommandError(`no user ${usernames.join(', ')}`);
}

const DIFFERING =
  'For the same user with other values, --on-conflict skip keeps the values here, and --on-conflict update ' +
  'takes those of the files.';

const TAKEN =
  'An id, username or token of another user here stays with that user. If the users here are only for ' +
  'tests, delete them and import again (docs/moving-from-django.md, "Users who are here already"). ' +
  'Otherwise --on-conflict skip imports the other users.';

const ID_TAKEN = '--new-ids gives another id to users whose id is taken.';

/**
 * @throws CommandError for conflicts that `onConflict` does not decide. `update` decides only about
 *   other values of the same user, not about an id, name or token of another user
 */
function refuseConflicts(staging: Staging, onConflict: OnConflict): void {
  const strangers =
    staging.countStanding('id-taken') +
    staging.countStanding('username-taken') +
    staging.countStanding('token-taken');
  const differing = onConflict === 'fail' ? staging.countStanding('differs') : 0;
  const refused = differing + strangers;
  if (onConflict === 'skip' || refused === 0) return;

  printConflicts(staging);
  const advice = [
    ...(differing > 0 ? [DIFFERING] : []),
    ...(strangers > 0 ? [TAKEN] : []),
    ...(staging.countStanding('id-taken') > 0 ? [ID_TAKEN] : []),
  ];
  throw new CommandError(`${count(refused, 'conflict')}, nothing is written. ${advice.join(' ')}`);
}

async function write(bulk: Bulk, staging: Staging, onConflict: OnConflict): Promise<void> {
  const now = djangoDatetime(new Date());
  const tokens = staging.countStanding('token-missing');
  const updates = onConflict === 'update' ? staging.countStanding('differs') : 0;
  using progress = startProgress('Writing', staging.countNew() + tokens + updates);
  let done = 0;
  const writeAll = async (
    accounts: Iterable<Account>,
    writeChunk: (chunk: Accounts) => Promise<void>,
  ) => {
    for (const chunk of chunks(accounts)) {
      await runWriteWithRetry(async (isRetry) => {
        // The first try may have taken place, although D1 failed.
        if (!isRetry || !(await areThere(bulk, chunk))) await writeChunk(chunk);
      });
      done += chunk.length;
      progress.reach(done);
    }
  };
  try {
    await writeAll(staging.newAccounts(now), bulk.insertAccounts);
    if (tokens > 0) {
      await writeAll(staging.tokenMissingAccounts(now), bulk.insertTokens);
    }
    if (updates > 0) await writeAll(staging.differingAccounts(now), bulk.updateAccounts);
  } catch (error) {
    const rest = `${count(done, 'user')} were written, each with its token: start again with --on-conflict skip`;
    if (String(error).includes('UNIQUE constraint failed')) {
      throw new CommandError(`somebody registered meanwhile; ${rest}`);
    }
    note(rest);
    throw error;
  }
}

/** Whether the database has exactly these accounts. */
async function areThere(bulk: Bulk, chunk: Accounts & { length: number }): Promise<boolean> {
  const known: { standing: string }[] = await bulk.classifyAccounts(chunk);
  if (chunk.knoxTokens !== undefined) {
    // Before all times, so that an expired token counts too.
    known.push(...(await bulk.classifyKnoxTokens(chunk.knoxTokens, '')));
  }
  return known.length >= chunk.length && known.every(({ standing }) => standing === 'same');
}

type Chunk = { users: string[]; tokens: string[]; knoxTokens: string[]; bytes: number };

const emptyChunk = (): Chunk => ({ users: [], tokens: [], knoxTokens: [], bytes: 0 });

/**
 * Accounts put together into as much as one statement takes, and how many they are. An account is in one
 * chunk. Only if it has more knox tokens than fit, the next chunks have the others.
 */
function* chunks(accounts: Iterable<Account>): Generator<Accounts & { length: number }> {
  let chunk = emptyChunk();
  for (const { user, token, knoxTokens } of accounts) {
    let part = emptyChunk();
    append(part, 'users', user);
    if (token !== undefined) append(part, 'tokens', token);
    for (const knoxToken of knoxTokens) {
      if (part.bytes + bytesOf(knoxToken) > MAX_ROWS_BYTES) {
        if (chunk.bytes > 0) yield toAccounts(chunk);
        chunk = emptyChunk();
        yield toAccounts(part);
        part = emptyChunk();
      }
      append(part, 'knoxTokens', knoxToken);
    }
    if (chunk.bytes > 0 && chunk.bytes + part.bytes > MAX_ROWS_BYTES) {
      yield toAccounts(chunk);
      chunk = emptyChunk();
    }
    for (const rows of ['users', 'tokens', 'knoxTokens'] as const) {
      for (const row of part[rows]) append(chunk, rows, row);
    }
  }
  if (chunk.bytes > 0) yield toAccounts(chunk);
}

/** With a comma. */
const bytesOf = (row: string): number => Buffer.byteLength(row) + 1;

function append(chunk: Chunk, rows: 'users' | 'tokens' | 'knoxTokens', row: string): void {
  chunk[rows].push(row);
  chunk.bytes += bytesOf(row);
}

const toAccounts = ({ users, tokens, knoxTokens }: Chunk): Accounts & { length: number } => ({
  users: `[${users.join()}]`,
  tokens: `[${tokens.join()}]`,
  knoxTokens: knoxTokens.length === 0 ? undefined : `[${knoxTokens.join()}]`,
  length: users.length,
});

/** Rows put together into as much as one parameter takes, and how many they are. */
function* pieces(rows: Iterable<string>): Generator<{ rows: string; length: number }> {
  let piece: string[] = [];
  let bytes = 0;
  for (const row of rows) {
    const added = bytesOf(row);
    if (bytes + added > MAX_ROWS_BYTES) {
      yield { rows: `[${piece.join()}]`, length: piece.length };
      piece = [];
      bytes = 0;
    }
    piece.push(row);
    bytes += added;
  }
  if (piece.length > 0) yield { rows: `[${piece.join()}]`, length: piece.length };
}
