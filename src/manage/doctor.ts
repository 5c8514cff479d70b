/** `manage doctor`: reads the database and the settings and says what would hurt. Writes nothing. */
import { readdir } from 'node:fs/promises';
import { type IdentifiedPassword, identifyPassword } from '../auth/passwords/identify.ts';
import { normalizeUsername } from '../auth/users.ts';
import { parseSettings } from '../settings.ts';
import { inspectionQueries } from '../store/operator/inspection.ts';
import type { Database } from './database.ts';
import { cpuMsOf, loginCost, MAX_NATIVE_ITERATIONS } from './hashing-cost.ts';
import { count, number, print } from './terminal.ts';

type Inspection = ReturnType<typeof inspectionQueries>;

const NAMES_PAGE = 1000;

/** How many users a finding names; the rest it counts. */
const NAMED = 20;

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
}

const report = (isWell: boolean, line: string): void =>
  print(`${isWell ? ' ok  ' : 'LOOK '}${line}`);

async function reportPasswords(inspection: Inspection): Promise<void> {
  print('     Passwords:');
  for (const { users, sample } of await inspection.passwordGroups()) {
    const password = identifyPassword(sample);
    const isWell =
      password.kind === 'unusable' || (password.kind === 'verifiable' && !holdsThread(password));
    report(isWell, `  ${count(users, 'user')} with ${describe(password)}`);
  }

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

/** Login looks for a name in its NFKC form: who is stored in another cannot be found. */
async function reportNames(inspection: Inspection): Promise<void> {
  const named: string[] = [];
  let total = 0;
  for (let last = 0, rows = NAMES_PAGE; rows === NAMES_PAGE; ) {
    const page = await inspection.pageOfNonAsciiNames(last, NAMES_PAGE);
    for (const { id, username } of page) {
      if (normalizeUsername(username) === username) continue;
      total += 1;
      if (named.length < NAMED) named.push(`${username} (id ${id})`);
    }
    last = page.at(-1)?.id ?? 0;
    rows = page.length;
  }
  const who = total === 0 ? '' : `: cannot log in by name until renamed: ${named.join(', ')}`;
  const rest = total > NAMED ? ` and ${number(total - NAMED)} more` : '';
  report(total === 0, `Usernames not in Unicode form NFKC: ${number(total)}${who}${rest}`);
}
