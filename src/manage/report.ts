/** The report of `manage import`: what it did, and the users and tokens that need attention. */

import { identifyPassword, type PasswordHasherName } from '../hashing/identify.ts';
import { whyNotChecked } from '../hashing/not-checked.ts';
import { count, number } from '../lib/format-number.ts';
import { normalizeUsername } from '../validation/normal-form.ts';
import { add, type Found, list, NAMED, nobody } from './found.ts';
import { ignoredLines } from './ignored.ts';
import type { Reading } from './reading.ts';
import type { Staging } from './staging.ts';
import { note, print, warn } from './terminal.ts';

/** Why an account is not inserted. `--on-conflict update` resolves the first reason only. */
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

type ReportOptions = {
  dryRun: boolean;
  isUpdate: boolean;
  inactiveUsers: 'deactivated' | 'waiting';
  /** The setting `PASSWORD_HASHERS`. */
  hashers: PasswordHasherName[];
};

export function printReport(
  staging: Staging,
  { model, ignored, dropped, hasNoTokens }: Reading,
  { dryRun, isUpdate, inactiveUsers, hashers }: ReportOptions,
): void {
  const same = staging.countStanding('same');
  const conflicts = staging.countConflicts();
  const updated = isUpdate ? conflicts : 0;
  const would = dryRun ? 'would be ' : '';
  printConflicts(staging);
  print(`Users ${would}imported:  ${number(staging.countNew())}`);
  print(`Tokens ${would}imported: ${number(staging.countNewTokens())}`);
  if (staging.countKnoxTokens() > 0) {
    print(`Knox tokens ${would}imported: ${number(staging.countNewKnoxTokens())}`);
  }
  if (updated > 0) print(`Users ${would}updated:   ${number(updated)}`);
  print(
    `Skipped:         ${number(same)} already here, ${number(conflicts - updated)} in conflict`,
  );
  const inspected = inspectUsers(staging, hashers);
  for (const [algorithm, users] of inspected.algorithms) {
    print(`Passwords:       ${algorithm} (${number(users)})`);
  }
  for (const line of ignoredLines(ignored)) print(`Ignored:         ${line}`);
  for (const [field, users] of dropped)
    print(`Field dropped:   ${field} (${count(users, 'user')})`);
  if (ignored.size > 0 && staging.countUsers() + staging.countTokens() === 0) {
    warn(
      `The files have no user of ${model.label}. If the project has its own user model, name it ` +
        'with --user-model.',
    );
  }
  if (hasNoTokens) print('A file has no table authtoken_token: its users have no tokens.');
  const inGroups = staging.countInGroups();
  if (inGroups > 0) {
    warn(
      `${count(inGroups, 'user')} in groups or with permissions, which stay in Django. ` +
        'An export does not change them.',
    );
  }
  const uuids = staging.countUuids();
  if (uuids > 0) {
    warn(`${count(uuids, 'user')} with a UUID in Django and a number as id here.`);
  }
  reportNewIds(staging);
  reportMaybeWaiting(staging, inactiveUsers);
  reportUsers(inspected);
  reportTokens(staging);
  reportKnox4(staging);
}

/** knox 5 accepts no token of knox 4, so they are left out. */
function reportKnox4(staging: Staging): void {
  const found = nobody();
  for (const { username, tokens } of staging.usersOfKnox4()) add(found, username, ` (${tokens})`);
  if (found.total === 0) return;
  warn(
    `Tokens of knox before 5.0, which knox 5 does not accept either, are left out, of: ${list(found)}. ` +
      'These users have to log in again.',
  );
}

function reportNewIds(staging: Staging): void {
  const found = nobody();
  for (const { id, was, username } of staging.renumbered()) {
    add(found, username, ` (${was} there, ${id} here)`);
  }
  if (found.total > 0) {
    warn(`${count(found.total, 'user')} with another id here: ${list(found)}.`);
  }
}

/** Names the inactive users that an activation link would activate, and how they were imported. */
function reportMaybeWaiting(staging: Staging, inactiveUsers: ReportOptions['inactiveUsers']): void {
  const found = nobody();
  for (const username of staging.maybeWaiting()) add(found, username);
  if (found.total === 0) return;
  const users = `${count(found.total, 'inactive user')} without a login or a token: ${list(found)}.`;
  warn(
    inactiveUsers === 'deactivated'
      ? `${users} Imported as deactivated: no activation link lets them in. If they wait for ` +
          "djoser's activation, use --inactive-users waiting."
      : `${users} Imported as waiting: an activation link lets them in. Use \`deactivate\` for ` +
          'users who must stay out.',
  );
}

type InspectedUsers = ReturnType<typeof inspectUsers>;

/** Counts the passwords by algorithm, and finds the users who cannot log in here. */
function inspectUsers(staging: Staging, hashers: PasswordHasherName[]) {
  const algorithms = new Map<string, number>();
  const notChecked = new Map<string, Found>();
  const malformed = nobody();
  const notNormalized = nobody();
  const nameless = nobody();
  for (const { id, username, password } of staging.passwords()) {
    const name = username || `id ${id}`;
    if (normalizeUsername(username) !== username) add(notNormalized, name);
    if (username === '') add(nameless, name);
    const identified = identifyPassword(password, hashers);
    const algorithm = identified.algorithm || identified.kind;
    algorithms.set(algorithm, (algorithms.get(algorithm) ?? 0) + 1);
    if (identified.kind === 'malformed') add(malformed, name);
    const reason = whyNotChecked(identified);
    if (reason === undefined) continue;
    const label = `Passwords stored as ${identified.algorithm}: ${reason}`;
    const users = notChecked.get(label) ?? nobody();
    notChecked.set(label, users);
    add(users, name);
  }
  return { algorithms, notChecked, malformed, notNormalized, nameless };
}

/** Names the users who cannot log in here, and suggests what to do about it. */
function reportUsers({ notChecked, malformed, notNormalized, nameless }: InspectedUsers): void {
  for (const [label, users] of notChecked) {
    warn(`${label} (${count(users.total, 'user')}): ${list(users)}`);
  }
  if (notChecked.size > 0) {
    note(
      'Their tokens work, and they can reset the password by e-mail. Or set one with ' +
        '`changepassword <username>`, or let them log in to Django with PBKDF2 first in ' +
        'PASSWORD_HASHERS, and import again with --on-conflict update.',
    );
  }
  if (malformed.total > 0) {
    warn(
      `No valid password hash (${count(malformed.total, 'user')}): ${list(malformed)}. Django cannot ` +
        'log them in either. Set a password with `changepassword <username>`.',
    );
  }
  if (notNormalized.total > 0) {
    warn(
      `${count(notNormalized.total, 'username')} not in Unicode form NFKC. A login does not find them: ` +
        list(notNormalized),
    );
  }
  if (nameless.total > 0) {
    warn(`${count(nameless.total, 'blank username')}. A login cannot name them: ${list(nameless)}`);
  }
}

function reportTokens(staging: Staging): void {
  const unsendable = nobody();
  for (const username of staging.usersOfUnsendableKeys()) add(unsendable, username);
  if (unsendable.total === 0) return;
  warn(
    `${count(unsendable.total, 'token')} that no request can send, empty or with white space, of: ` +
      `${list(unsendable)}. Replace them with \`drf_create_token -r <username>\`.`,
  );
}
