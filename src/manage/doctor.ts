/**
 * `manage doctor`: checks the database and, as `check --deploy` does, the settings of a deployment.
 * Writes nothing.
 */
import { readdir } from 'node:fs/promises';
import {
  type IdentifiedPassword,
  identifyPassword,
  type PasswordHasherName,
} from '../hashing/identify.ts';
import { djangoDatetime } from '../lib/django-datetime.ts';
import { number } from '../lib/format-number.ts';
import { checkStoredPasswords } from '../services/production.ts';
import { parseSettings, type Settings } from '../settings.ts';
import { type InspectedUser, inspectionQueries } from '../store/operator/inspection.ts';
import { normalizeEmail, normalizeUsername } from '../validation/normal-form.ts';
import { printFindings, printLevel } from './before-production.ts';
import { WRANGLER } from './called.ts';
import { shownEnvironment } from './configuration.ts';
import type { Database } from './database.ts';
import { add, type Found, list, nobody } from './found.ts';
import { adviceOnMissingMigrations } from './package-migrations.ts';
import { MAX_IDS } from './records.ts';

type Inspection = ReturnType<typeof inspectionQueries>;

/** Users for one query. */
const PAGE_LENGTH = 1000;

export async function doctor(database: Database): Promise<void> {
  const { configuration, vars } = database;
  const { passwordHashers, emailVerification, tokenModel } = parseSettings(vars);
  const inspection = inspectionQueries(database.d1);
  await reportMigrations(inspection, database);
  const missing = await inspection.missingTables();
  if (missing.length > 0) {
    report(
      false,
      `Tables missing: ${missing.join(', ')}. The rows are checked after the migrations`,
    );
  } else {
    info(
      `Users: ${number(await inspection.countUsers())}, ${number(await inspection.countInactive())} inactive`,
    );
    await reportTokens(inspection, tokenModel);
    await reportIds(inspection);
    await reportPasswords(inspection, passwordHashers);
    await reportValues(inspection);
    await reportKeys(inspection);
    await reportWaiting(inspection, emailVerification === 'required');
  }
  printFindings({ configuration, secretKey: await database.secretKey() });
}

const report = (isWell: boolean, line: string): void => printLevel(isWell ? 'OK' : 'WARNING', line);

const info = (line: string): void => printLevel(undefined, line);

async function reportMigrations(
  inspection: Inspection,
  { migrationsDir, configuration: { env } }: Database,
): Promise<void> {
  const advice = adviceOnMissingMigrations(migrationsDir);
  if (advice !== undefined) report(false, advice);
  const applied = await inspection.appliedMigrations();
  const files = (await readdir(migrationsDir)).filter((file) => file.endsWith('.sql')).sort();
  const pending = files.filter((file) => !applied.includes(file));
  report(
    pending.length === 0,
    pending.length === 0
      ? 'Migrations: all applied'
      : `Migrations not applied: ${pending.join(', ')}. Run \`${WRANGLER} d1 migrations apply${shownEnvironment(env)}\``,
  );
}

async function reportTokens(inspection: Inspection, model: Settings['tokenModel']): Promise<void> {
  info(`Token model: ${model}`);
  const knox = await inspection.countKnoxTokens();
  if (model === 'knox.AuthToken') await reportKnoxModel(inspection, knox);
  else await reportDefaultModel(inspection, knox);
  const withoutToken = await inspection.countUsersWithoutToken();
  report(true, `Users without a token: ${number(withoutToken)} (the next login creates one)`);
  const orphans = await inspection.countTokensWithoutUser();
  report(orphans === 0, `Tokens without a user: ${number(orphans)}`);
}

async function reportDefaultModel(inspection: Inspection, knox: number): Promise<void> {
  info(`Tokens: ${number(await inspection.countTokens())}`);
  if (knox === 0) return;
  report(
    false,
    `Tokens of knox: ${number(knox)}: not accepted, because TOKEN_MODEL is authtoken.Token. A hash has no ` +
      'key, so set TOKEN_MODEL to knox.AuthToken, or these users log in again',
  );
}

async function reportKnoxModel(inspection: Inspection, knox: number): Promise<void> {
  info(`Tokens of knox: ${number(knox)}`);
  const expired = await inspection.countExpiredTokens(djangoDatetime(new Date()));
  report(true, `Expired tokens of knox: ${number(expired)} (logins remove them)`);
  reportFound(
    'Users with tokens of knox before 5.0',
    await find(inspection.pageOfKnox4, () => true),
    'these tokens are not accepted, as in knox 5. Delete all tokens of a user with `drf_delete_token`',
  );
  const plain = await inspection.countTokens();
  const advice = ': accepted, as tokens of authtoken. Hash them with `hash_tokens`';
  report(plain === 0, `Tokens stored as plain text: ${number(plain)}${plain === 0 ? '' : advice}`);
}

/** Ids that Django's AutoField cannot hold, and those of the users to come. */
async function reportIds(inspection: Inspection): Promise<void> {
  const { users, isLastTooHigh, isLastInexact } = await inspection.highIds(MAX_IDS.AutoField);
  const advice =
    "they cannot be moved to Django's AutoField. Above 2^53 they cannot be used at all";
  report(
    users === 0,
    `Ids above ${MAX_IDS.AutoField}: ${number(users)}${users === 0 ? '' : `: ${advice}`}`,
  );
  const remedy = 'Change high ids, then `seq` of auth_user in sqlite_sequence';
  if (isLastInexact) {
    report(false, `Ids of new users are above 2^53: registrations fail. ${remedy}`);
  } else if (isLastTooHigh) {
    report(false, `Ids of new users are above ${MAX_IDS.AutoField}. ${remedy}`);
  }
}

async function reportPasswords(
  inspection: Inspection,
  hashers: PasswordHasherName[],
): Promise<void> {
  info('Passwords:');
  for (const { users, sample } of await inspection.commonPasswordGroups()) {
    const password = identifyPassword(sample, hashers);
    // These users are named below.
    if (password.kind !== 'malformed') reportPassword(users, password);
  }
  const others = new Map<string, { users: number; password: IdentifiedPassword }>();
  const malformed = nobody();
  for await (const { id, username, password: stored } of every(inspection.pageOfOddPasswords)) {
    const password = identifyPassword(stored, hashers);
    if (password.kind === 'malformed') {
      add(malformed, username, ` (id ${id})`);
      continue;
    }
    const key = `${password.kind} ${password.algorithm}`;
    others.set(key, { users: (others.get(key)?.users ?? 0) + 1, password });
  }
  for (const { users, password } of others.values()) reportPassword(users, password);
  const advice = 'no password is right. Set one with `changepassword`';
  if (malformed.total > 0) reportFound('  Users without a valid password hash', malformed, advice);
}

/** Reports how many users have passwords of this kind. */
function reportPassword(users: number, password: IdentifiedPassword): void {
  const { level, text } = checkStoredPasswords(users, password);
  printLevel(level, `  ${text}`);
}

/** Names and addresses that validation would not store. */
async function reportValues(inspection: Inspection): Promise<void> {
  // A login looks a name up in its NFKC form.
  const notNormal = await find(
    inspection.pageOfNonAsciiNames,
    ({ username }) => normalizeUsername(username) !== username,
  );
  reportFound(
    'Usernames not in Unicode form NFKC',
    notNormal,
    'cannot log in by name until renamed',
  );
  const blank = await find(inspection.pageOfBlankNames, () => true);
  reportFound('Blank usernames', blank, 'cannot log in by name until renamed');
  // A look-up ignores the case of ASCII letters.
  const addresses = await find(
    inspection.pageOfNonAsciiAddresses,
    ({ email }) => normalizeEmail(email) !== email,
  );
  reportFound(
    'E-mail addresses with capital letters beyond ASCII in the domain',
    addresses,
    'a password reset does not find them',
  );
  const long = await find(
    inspection.pageOfLongValues,
    () => true,
    ({ columns }) => columns,
  );
  reportFound(
    "Values longer than Django's columns",
    long,
    'an import, PostgreSQL and MySQL refuse them. Shorten them',
  );
}

async function reportKeys(inspection: Inspection): Promise<void> {
  const lost = await find(inspection.pageOfUnsendableKeys, () => true);
  reportFound(
    'Tokens that no request can send, empty or with white space',
    lost,
    'replace them with `drf_create_token -r`',
  );
}

/** Users that an activation link would activate. Django's admin may have deactivated them. */
async function reportWaiting(inspection: Inspection, isVerified: boolean): Promise<void> {
  const waiting = await find(inspection.pageOfWaiting, () => true);
  const label = 'Users waiting for activation (inactive, never logged in, no token)';
  const advice = 'an activation link lets them in. Use `deactivate` for users who must stay out';
  if (waiting.total > 0 && isVerified) info(foundLine(label, waiting, advice));
  else reportFound(label, waiting, advice);
}

function reportFound(label: string, found: Found, advice: string): void {
  report(found.total === 0, foundLine(label, found, advice));
}

/** One line: how many users there are, what to do, and their names. */
const foundLine = (label: string, found: Found, advice: string): string =>
  `${label}: ${number(found.total)}${found.total === 0 ? '' : `: ${advice}: ${list(found)}`}`;

/**
 * Finds the users of a finding on all pages.
 *
 * @param isMeant whether the finding is about this user
 * @param detailOf a detail to print after the name of a user
 */
async function find<T extends InspectedUser>(
  page: (afterId: string, limit: number) => Promise<T[]>,
  isMeant: (user: T) => boolean,
  detailOf?: (user: T) => string,
): Promise<Found> {
  const found = nobody();
  for await (const user of every(page)) {
    if (!isMeant(user)) continue;
    const details = detailOf === undefined ? '' : `, ${detailOf(user)}`;
    add(found, user.username, ` (id ${user.id}${details})`);
  }
  return found;
}

/** The users of all pages. */
async function* every<T extends InspectedUser>(
  page: (afterId: string, limit: number) => Promise<T[]>,
): AsyncGenerator<T> {
  for (let last = LOWEST_ID, rows = PAGE_LENGTH; rows === PAGE_LENGTH; ) {
    const users = await page(last, PAGE_LENGTH);
    yield* users;
    last = users.at(-1)?.id ?? last;
    rows = users.length;
  }
}

/** SQLite's lowest integer. */
const LOWEST_ID = '-9223372036854775808';
