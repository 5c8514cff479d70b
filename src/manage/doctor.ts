/**
 * `manage doctor`: reads the database and the settings and says what would hurt. Writes nothing.
 */
import { readdir } from 'node:fs/promises';
import { normalizeUsername } from '../auth/users.ts';
import { type IdentifiedPassword, identifyPassword } from '../hashing/identify.ts';
import { parseSettings } from '../settings.ts';
import { type InspectedUser, inspectionQueries } from '../store/operator/inspection.ts';
import type { Database } from './database.ts';
import { add, type Found, list, nobody } from './found.ts';
import { cpuMsOf, loginCost, MAX_NATIVE_ITERATIONS } from './hashing-cost.ts';
import { count, number, print } from './terminal.ts';

type Inspection = ReturnType<typeof inspectionQueries>;

/** Users that a query answers with. */
const PAGE_LENGTH = 1000;

export async function doctor({
  d1,
  vars,
  migrationsDir,
  hasPasswordHasher,
}: Database): Promise<void> {
  const inspection = inspectionQueries(d1);
  const applied = await inspection.appliedMigrations();
  const files = (await readdir(migrationsDir)).filter((file) => file.endsWith('.sql')).sort();
  const pending = files.filter((file) => !applied.includes(file));
  report(
    pending.length === 0,
    pending.length === 0 ? 'Migrations: all applied' : `Migrations pending: ${pending.join(', ')}`,
  );

  const { iterations } = parseSettings(vars);
  const cost = loginCost(iterations, hasPasswordHasher);
  report(cost.isOnEveryPlan, `Setting: ${cost.line}`);

  const withoutToken = await inspection.countUsersWithoutToken();
  const orphans = await inspection.countTokensWithoutUser();
  print(
    `     Users: ${number(await inspection.countUsers())}, ${number(await inspection.countInactive())} inactive`,
  );
  print(`     Tokens: ${number(await inspection.countTokens())}`);
  report(true, `Users without a token: ${number(withoutToken)} (the next login makes one)`);
  report(orphans === 0, `Tokens without a user: ${number(orphans)}`);

  await reportPasswords(inspection);
  await reportNames(inspection);
  await reportKeys(inspection);
}

const report = (isWell: boolean, line: string): void =>
  print(`${isWell ? ' ok  ' : 'LOOK '}${line}`);

async function reportPasswords(inspection: Inspection): Promise<void> {
  print('     Passwords:');
  for (const { users, sample } of await inspection.passwordGroups()) {
    const password = identifyPassword(sample);
    // They are named below.
    if (password.kind === 'malformed') continue;
    const isWell =
      password.kind === 'unusable' || (password.kind === 'verifiable' && !holdsThread(password));
    report(isWell, `  ${count(users, 'user')} with ${describe(password)}`);
  }
  const malformed = await find(
    inspection.pageOfOddPasswords,
    ({ password }) => identifyPassword(password).kind === 'malformed',
  );
  const advice = 'no password can be right until `changepassword` gives one';
  if (malformed.total > 0) reportFound('  Users with no hash at all', malformed, advice);

  function describe({ kind, algorithm, iterations }: IdentifiedPassword): string {
    const label = iterations ? `${algorithm} of ${count(iterations, 'iteration')}` : algorithm;
    switch (kind) {
      case 'unusable':
        return 'an unusable password, as Django calls it';
      case 'malformed':
        return 'no hash at all: no password can be right';
      case 'unsupported':
        return `${label}, which cannot be checked here: \`changepassword\` helps`;
      case 'verifiable':
        return holdsThread({ kind, algorithm, iterations })
          ? `${label}: in production JavaScript hashes it, which holds up other requests for about ` +
              `${number(Math.round(cpuMsOf(algorithm, iterations ?? 0)))} ms, until the first login`
          : label;
    }
  }
}

/** What production refuses is hashed in slices of WebAssembly; SHA-1 has none. */
const holdsThread = ({ algorithm, iterations = 0 }: IdentifiedPassword): boolean =>
  algorithm === 'pbkdf2_sha1' && iterations > MAX_NATIVE_ITERATIONS;

async function reportNames(inspection: Inspection): Promise<void> {
  // Login looks for a name in its NFKC form: who is stored in another cannot be found.
  const lost = await find(
    inspection.pageOfNonAsciiNames,
    ({ username }) => normalizeUsername(username) !== username,
  );
  reportFound('Usernames not in Unicode form NFKC', lost, 'cannot log in by name until renamed');
  const blank = await find(inspection.pageOfBlankNames, () => true);
  reportFound('Blank usernames', blank, 'cannot log in by name until renamed');
}

async function reportKeys(inspection: Inspection): Promise<void> {
  const lost = await find(inspection.pageOfUnsendableKeys, () => true);
  reportFound(
    'Tokens that no request can send, empty or with white space',
    lost,
    '`drf_create_token -r` gives new ones',
  );
}

/** One line: how many there are, and of those that there are what to do and who. */
function reportFound(label: string, found: Found, advice: string): void {
  const who = found.total === 0 ? '' : `: ${advice}: ${list(found)}`;
  report(found.total === 0, `${label}: ${number(found.total)}${who}`);
}

/** Those of the users of all pages that a finding is about. */
async function find<T extends InspectedUser>(
  page: (afterId: number, limit: number) => Promise<T[]>,
  isMeant: (user: T) => boolean,
): Promise<Found> {
  const found = nobody();
  for (let last = Number.MIN_SAFE_INTEGER, rows = PAGE_LENGTH; rows === PAGE_LENGTH; ) {
    const users = await page(last, PAGE_LENGTH);
    for (const user of users) if (isMeant(user)) add(found, `${user.username} (id ${user.id})`);
    last = users.at(-1)?.id ?? last;
    rows = users.length;
  }
  return found;
}
