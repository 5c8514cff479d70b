/**
 * `manage import`: users and tokens of a Django project into D1. Three passes, each flat in memory:
 * the file into the staging, where all of it is checked; the staging against the database; and only
 * then, a chunk of whole accounts at a time, into the database.
 */
import { access } from 'node:fs/promises';
import { identifyPassword } from '../auth/passwords/identify.ts';
import { normalizeUsername } from '../auth/users.ts';
import { type Accounts, bulkQueries, MAX_ROWS_BYTES } from '../store/operator/bulk.ts';
import { CommandError } from './command-error.ts';
import type { Database } from './database.ts';
import { isSqlite, stageSqlite } from './django-sqlite.ts';
import { type Contents, stageDumpdata } from './dumpdata.ts';
import { type Account, createStaging, type Staging } from './staging.ts';
import { count, number, print, startProgress, warn } from './terminal.ts';

export type OnConflict = 'fail' | 'skip' | 'update';

export type ImportOptions = { dryRun?: boolean; onConflict: OnConflict };

type Bulk = ReturnType<typeof bulkQueries>;

/** How many users a report names of each kind; the rest it counts. */
const NAMED = 20;

/** What stands in an account's way, and which of it `--on-conflict update` clears. */
const CONFLICTS: Record<string, string> = {
  differs: 'is in the database with other values',
  'id-taken': 'has the id of another user in the database',
  'username-taken': 'has the username of another user in the database',
  'token-taken': 'has the token of another user in the database',
};

/**
 * @throws CommandError for a file that is broken and, unless `onConflict` says what to do, for a
 *   conflict: then nothing was written
 */
export async function importFile(
  database: Database,
  path: string,
  { dryRun = false, onConflict }: ImportOptions,
): Promise<void> {
  await access(path).catch(() => {
    throw new CommandError(`cannot read ${path}`);
  });
  const bulk = bulkQueries(database.d1);
  const usersBefore = await bulk.countUsers();
  const staging = createStaging();
  try {
    const contents = await stage(path, staging);
    if (usersBefore > 0) await classify(bulk, staging);
    refuseConflicts(staging, onConflict);
    if (!dryRun) await write(bulk, staging, onConflict);
    report(staging, contents, { dryRun, onConflict });
  } finally {
    staging.close();
  }
}

/** Reads the whole file, and looks for what no single record shows. */
async function stage(path: string, staging: Staging): Promise<Contents> {
  const contents = (await isSqlite(path))
    ? stageSqlite(path, staging)
    : await stageDumpdata(path, staging);
  const orphan = staging.tokenWithoutUser();
  if (orphan) {
    throw new CommandError(
      `record ${orphan.record} (authtoken.token): its user ${orphan.userId} is not in the file`,
    );
  }
  return contents;
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

/** `update` writes over the same user's values; whose id, name or token another has, it leaves to people. */
function refuseConflicts(staging: Staging, onConflict: OnConflict): void {
  const strangers =
    staging.countStanding('id-taken') +
    staging.countStanding('username-taken') +
    staging.countStanding('token-taken');
  const differing = staging.countStanding('differs');
  const refused = { fail: differing + strangers, update: strangers, skip: 0 }[onConflict];
  if (refused === 0) return;

  printConflicts(staging);
  throw new CommandError(
    `${count(refused, 'conflict')}, nothing is written: choose ` +
      (onConflict === 'fail' ? '--on-conflict skip or --on-conflict update' : '--on-conflict skip'),
  );
}

function printConflicts(staging: Staging): void {
  const total = staging.countConflicts();
  if (total === 0) return;
  print(`Conflicts: ${number(total)}`);
  for (const { id, username, standing } of staging.conflicts(NAMED)) {
    print(`  ${username} (id ${id}) ${CONFLICTS[standing]}`);
  }
  if (total > NAMED) print(`  and ${number(total - NAMED)} more`);
}

async function write(bulk: Bulk, staging: Staging, onConflict: OnConflict): Promise<void> {
  const updates = onConflict === 'update' ? staging.countStanding('differs') : 0;
  using progress = startProgress('Writing', staging.countNew() + updates);
  let done = 0;
  try {
    for (const chunk of chunks(staging.newAccounts())) {
      await bulk.insertAccounts(chunk);
      done += chunk.length;
      progress.reach(done);
    }
    for (const chunk of chunks(updates > 0 ? staging.differingAccounts() : [])) {
      await bulk.updateAccounts(chunk);
      done += chunk.length;
      progress.reach(done);
    }
  } catch (error) {
    if (!String(error).includes('UNIQUE constraint failed')) throw error;
    throw new CommandError(
      `somebody registered meanwhile; ${count(done, 'user')} were written, each with its token: ` +
        'start again with --on-conflict skip',
    );
  }
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

function report(
  staging: Staging,
  { ignored, withGroups }: Contents,
  { dryRun, onConflict }: ImportOptions,
): void {
  const same = staging.countStanding('same');
  const conflicts = staging.countConflicts();
  const updated = onConflict === 'update' ? conflicts : 0;
  const would = dryRun ? 'would be ' : '';
  if (conflicts > 0) printConflicts(staging);
  print(`Users ${would}imported:  ${number(staging.countNew())}`);
  print(`Tokens ${would}imported: ${number(staging.countNewTokens())}`);
  if (updated > 0) print(`Users ${would}updated:   ${number(updated)}`);
  print(
    `Skipped:         ${number(same)} already here, ${number(conflicts - updated)} in conflict`,
  );
  for (const [model, records] of ignored) print(`Ignored:         ${model} (${number(records)})`);
  if (withGroups > 0) {
    warn(
      `${count(withGroups, 'user')} in groups or with permissions of their own: only Django has those. ` +
        'An export leaves them as they are there.',
    );
  }
  reportPasswords(staging);
}

/** Who cannot log in with a password here, and what to do about it. */
function reportPasswords(staging: Staging): void {
  const unsupported = new Map<string, Named>();
  const malformed: Named = { names: [], total: 0 };
  const notNormalized: Named = { names: [], total: 0 };
  for (const { username, password } of staging.passwords()) {
    if (normalizeUsername(username) !== username) add(notNormalized, username);
    const { kind, algorithm } = identifyPassword(password);
    if (kind === 'malformed') add(malformed, username);
    if (kind !== 'unsupported') continue;
    const users = unsupported.get(algorithm) ?? { names: [], total: 0 };
    unsupported.set(algorithm, users);
    add(users, username);
  }
  for (const [algorithm, users] of unsupported) {
    warn(
      `${count(users.total, 'user')} whose password is kept as ${algorithm}, not checked here: ${list(users)}`,
    );
  }
  if (unsupported.size > 0) {
    warn(
      'Their tokens work. For a password, `manage changepassword <username>`; or let them log in to ' +
        'Django once with PBKDF2 first in PASSWORD_HASHERS, and import again with --on-conflict update.',
    );
  }
  if (malformed.total > 0) {
    warn(
      `${count(malformed.total, 'user')} whose stored password is no hash, in Django neither: ${list(malformed)}`,
    );
  }
  if (notNormalized.total > 0) {
    warn(
      `${count(notNormalized.total, 'username')} not in Unicode form NFKC, which a login cannot find: ` +
        list(notNormalized),
    );
  }
}

/** Some of the users with something in common, and how many they are. */
type Named = { names: string[]; total: number };

function add(users: Named, name: string): void {
  users.total += 1;
  if (users.names.length < NAMED) users.names.push(name);
}

const list = ({ names, total }: Named): string =>
  names.join(', ') + (total > NAMED ? ` and ${number(total - NAMED)} more` : '');
