/** What `manage import` says at its end: what it did, and what in the files is broken. */
import { identifyPassword } from '../auth/passwords/identify.ts';
import { normalizeUsername } from '../auth/users.ts';
import { add, type Found, list, NAMED, nobody } from './found.ts';
import type { Staging } from './staging.ts';
import { count, number, print, warn } from './terminal.ts';

/** What stands in an account's way. `--on-conflict update` clears the first only. */
const CONFLICTS: Record<string, string> = {
  differs: 'is in the database with other values',
  'id-taken': 'has the id of another user in the database',
  'username-taken': 'has the username of another user in the database',
  'token-taken': 'has the token of another user in the database',
};

export function printConflicts(staging: Staging): void {
  const total = staging.countConflicts();
  if (total === 0) return;
  print(`Conflicts: ${number(total)}`);
  for (const { id, username, standing } of staging.conflicts(NAMED)) {
    print(`  ${username} (id ${id}) ${CONFLICTS[standing]}`);
  }
  if (total > NAMED) print(`  and ${number(total - NAMED)} more`);
}

/** @param ignored the number of records of each other model */
export function printReport(
  staging: Staging,
  ignored: ReadonlyMap<string, number>,
  { dryRun, isUpdate }: { dryRun: boolean; isUpdate: boolean },
): void {
  const same = staging.countStanding('same');
  const conflicts = staging.countConflicts();
  const updated = isUpdate ? conflicts : 0;
  const would = dryRun ? 'would be ' : '';
  printConflicts(staging);
  print(`Users ${would}imported:  ${number(staging.countNew())}`);
  print(`Tokens ${would}imported: ${number(staging.countNewTokens())}`);
  if (updated > 0) print(`Users ${would}updated:   ${number(updated)}`);
  print(
    `Skipped:         ${number(same)} already here, ${number(conflicts - updated)} in conflict`,
  );
  for (const [model, records] of ignored) print(`Ignored:         ${model} (${number(records)})`);
  const inGroups = staging.countInGroups();
  if (inGroups > 0) {
    warn(
      `${count(inGroups, 'user')} in groups or with permissions of their own: only Django has those. ` +
        'An export leaves them as they are there.',
    );
  }
  reportUsers(staging);
  reportTokens(staging);
}

/** Who cannot log in here, and what to do about it. */
function reportUsers(staging: Staging): void {
  const unsupported = new Map<string, Found>();
  const malformed = nobody();
  const notNormalized = nobody();
  const nameless = nobody();
  for (const { id, username, password } of staging.passwords()) {
    const name = username || `id ${id}`;
    if (normalizeUsername(username) !== username) add(notNormalized, name);
    if (username === '') add(nameless, name);
    const { kind, algorithm } = identifyPassword(password);
    if (kind === 'malformed') add(malformed, name);
    if (kind !== 'unsupported') continue;
    const users = unsupported.get(algorithm) ?? nobody();
    unsupported.set(algorithm, users);
    add(users, name);
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
    warn('No password is right for them until `manage changepassword <username>` gives one.');
  }
  if (notNormalized.total > 0) {
    warn(
      `${count(notNormalized.total, 'username')} not in Unicode form NFKC, which a login cannot find: ` +
        list(notNormalized),
    );
  }
  if (nameless.total > 0) {
    warn(`A blank username, which no login can give: ${list(nameless)}`);
  }
}

function reportTokens(staging: Staging): void {
  const unsendable = nobody();
  for (const username of staging.usersOfUnsendableKeys()) add(unsendable, username);
  if (unsendable.total === 0) return;
  warn(
    `${count(unsendable.total, 'token')} that no request can send, empty or with white space: ` +
      list(unsendable),
  );
  warn('`manage drf_create_token -r <username>` gives them new ones.');
}
