/**
 * `manage import`: users and tokens of a Django project into D1. Three passes, each flat in memory:
 * all files into the staging, where all of it is checked; the staging against the database; and
 * only then, a chunk of whole accounts at a time, into the database.
 */
import { access, constants, stat } from 'node:fs/promises';
import { djangoDatetime } from '../lib/django-datetime.ts';
import { runWriteWithRetry } from '../store/d1-errors.ts';
import { type Accounts, bulkQueries, MAX_ROWS_BYTES } from '../store/operator/bulk.ts';
import { CommandError } from './command-error.ts';
import type { Database } from './database.ts';
import { stageSqlite } from './django-sqlite.ts';
import { type FindUserIds, type FixtureOptions, stageFixture } from './dumpdata.ts';
import type { Ignored } from './ignored.ts';
import { MAX_IDS } from './records.ts';
import { printConflicts, printReport } from './report.ts';
import { isSqlite, type SqliteOptions } from './sqlite-file.ts';
import { type Account, createStaging, type Staging } from './staging.ts';
import { count, fileName, note, STDIO, startProgress } from './terminal.ts';

type OnConflict = 'fail' | 'skip' | 'update';

/** What the operator states about files that do not say it themselves. */
export type FileOptions = FixtureOptions & SqliteOptions;

export type ImportOptions = FileOptions & {
  dryRun?: boolean;
  onConflict: OnConflict;
  /**
   * How to import inactive users who have never logged in and have no token. Django does not say
   * whether they were deactivated or wait for activation. By default no link can activate them.
   */
  inactiveUsers?: 'deactivated' | 'waiting';
};

type Bulk = ReturnType<typeof bulkQueries>;

/** Users that one query looks for. */
const USERS_LENGTH = 1000;

/**
 * @param paths fixtures and SQLite files, in the order in which `loaddata` would read them
 * @throws CommandError for a file that is broken and, unless `onConflict` says what to do, for a
 *   conflict: then nothing was written
 */
export async function importFiles(
  { d1 }: Pick<Database, 'd1'>,
  paths: string[],
  { dryRun = false, onConflict, inactiveUsers = 'deactivated', ...files }: ImportOptions,
): Promise<void> {
  for (const path of paths) {
    if (path === STDIO) continue;
    const isReadable = await access(path, constants.R_OK).then(
      async () => !(await stat(path)).isDirectory(),
      () => false,
    );
    if (!isReadable) throw new CommandError(`cannot read ${path}`);
  }
  const bulk = bulkQueries(d1);
  const usersBefore = await bulk.countUsers();
  const lastUserId = await bulk.lastUserId();
  if (lastUserId > MAX_IDS.BigAutoField) {
    throw new CommandError('the ids of the database are too high for new users: see `doctor`');
  }
  const staging = createStaging(lastUserId);
  try {
    const ignored: Ignored = new Map();
    const findUserIds: FindUserIds =
      usersBefore > 0 ? bulk.findUserIds : async () => new Map<string, number>();
    for (const path of paths) await stageFile(path, staging, ignored, findUserIds, files);
    if (usersBefore > 0) await addKnownUsers(bulk, staging);
    refuseOrphans(staging);
    if (inactiveUsers === 'deactivated') staging.deactivateMaybeWaiting();
    if (usersBefore > 0) await classify(bulk, staging);
    refuseConflicts(staging, onConflict);
    if (!dryRun) await write(bulk, staging, onConflict);
    printReport(staging, ignored, { dryRun, isUpdate: onConflict === 'update', inactiveUsers });
  } finally {
    staging.close();
  }
}

async function stageFile(
  path: string,
  staging: Staging,
  ignored: Ignored,
  findUserIds: FindUserIds,
  options: FileOptions,
): Promise<void> {
  try {
    if (path !== STDIO && isSqlite(path)) stageSqlite(path, staging, ignored, options);
    else await stageFixture(path, staging, ignored, findUserIds, options);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(`${fileName(path)}: ${error.message}`);
  }
}

/** Fetches the users whose tokens are in the files and who are not. */
async function addKnownUsers(bulk: Bulk, staging: Staging): Promise<void> {
  let last = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const ids = staging.usersWithoutRecord(last, USERS_LENGTH);
    for (const user of await bulk.findUsers(ids)) staging.addKnownUser(user);
    last = ids.at(-1) ?? last;
    if (ids.length < USERS_LENGTH) return;
  }
}

function refuseOrphans(staging: Staging): void {
  const orphan = staging.tokenWithoutUser();
  if (!orphan) return;
  const { file, record, userId } = orphan;
  throw new CommandError(
    `${fileName(file)}: record ${record} (authtoken.token): its user ${userId} is neither in what is ` +
      'imported nor in the database',
  );
}

async function classify(bulk: Bulk, staging: Staging): Promise<void> {
  using progress = startProgress('Comparing', staging.countUsers());
  let done = 0;
  for (const chunk of chunks(staging.allAccounts())) {
    for (const { id, standing } of await bulk.classifyAccounts(chunk)) {
      staging.setStanding(id, standing);
    }
    done += chunk.length;
    progress.reach(done);
  }
}

/** An id, name or token of another user. An empty database is the only way to import everybody. */
const TAKEN =
  'No option takes an id, username or token from another user here. If the users here are only for tests, ' +
  'delete them and import again (docs/moving-from-django.md, "Users who are here already"). Otherwise ' +
  '--on-conflict skip imports the other users.';

const DIFFERING =
  'For the same user with other values, --on-conflict skip keeps the values here, and --on-conflict update ' +
  'takes those of the files.';

/**
 * `update` writes over the values of the same user. An id, name or token that another user has, it
 * leaves to people.
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
  const advice = [...(strangers > 0 ? [TAKEN] : []), ...(differing > 0 ? [DIFFERING] : [])];
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
      await writeAll(staging.tokenMissingAccounts(now), (chunk) => bulk.insertTokens(chunk.tokens));
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
  const known = await bulk.classifyAccounts(chunk);
  return known.length === chunk.length && known.every(({ standing }) => standing === 'same');
}

/** Accounts put together into as much as one statement takes, and how many they are. */
function* chunks(accounts: Iterable<Account>): Generator<Accounts & { length: number }> {
  let users: string[] = [];
  let tokens: string[] = [];
  let bytes = 0;
  const chunk = () => ({
    users: `[${users.join()}]`,
    tokens: `[${tokens.join()}]`,
    length: users.length,
  });
  for (const { user, token } of accounts) {
    const added = Buffer.byteLength(user) + Buffer.byteLength(token ?? '') + 2;
    if (bytes + added > MAX_ROWS_BYTES) {
      yield chunk();
      users = [];
      tokens = [];
      bytes = 0;
    }
    users.push(user);
    if (token !== undefined) tokens.push(token);
    bytes += added;
  }
  if (users.length > 0) yield chunk();
}
