/** `manage doctor`: reads the database and the settings and says what would hurt. Writes nothing. */
import { readdir } from 'node:fs/promises';
import { pbkdf2 } from '@noble/hashes/pbkdf2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type IdentifiedPassword, identifyPassword } from '../auth/passwords/identify.ts';
import { normalizeUsername } from '../auth/users.ts';
import { parseSettings } from '../settings.ts';
import { inspectionQueries } from '../store/inspection.ts';
import type { Database } from './database.ts';
import { count, number, print } from './terminal.ts';

type Inspection = ReturnType<typeof inspectionQueries>;

/** What production Workers' WebCrypto takes; above it PBKDF2 runs in JavaScript. Local ones take all. */
const MAX_NATIVE_ITERATIONS = 100_000;

/** What a Worker may use of CPU for a request on the free plan (developers.cloudflare.com/workers/platform/limits). */
const FREE_PLAN_CPU_MS = 10;

/** Enough iterations to time, few enough not to wait for: about 20 ms. */
const TIMED_ITERATIONS = 20_000;

const NAMES_PAGE = 1000;

/** How many users a finding names; the rest it counts. */
const NAMED = 20;

export async function doctor({ d1, vars, migrationsDir }: Database): Promise<void> {
  const inspection = inspectionQueries(d1);
  const applied = await inspection.appliedMigrations();
  const files = (await readdir(migrationsDir)).filter((file) => file.endsWith('.sql')).sort();
  const pending = files.filter((file) => !applied.includes(file));
  report(
    pending.length === 0,
    pending.length === 0 ? 'Migrations: all applied' : `Migrations pending: ${pending.join(', ')}`,
  );

  const { iterations } = parseSettings(vars);
  const msPerIteration = timeIteration();
  const milliseconds = (work: number) => `${number(Math.round(work * msPerIteration))} ms`;
  report(
    iterations <= MAX_NATIVE_ITERATIONS,
    `Setting: PBKDF2_ITERATIONS ${number(iterations)}, ${
      iterations <= MAX_NATIVE_ITERATIONS
        ? 'which production does natively'
        : `above the ${number(MAX_NATIVE_ITERATIONS)} that production does natively: a login or ` +
          `registration costs about ${milliseconds(iterations)} of CPU there (measured here, in JavaScript); ` +
          `the free plan allows ${FREE_PLAN_CPU_MS} ms`
    }`,
  );

  const withoutToken = await inspection.countUsersWithoutToken();
  const orphans = await inspection.countTokensWithoutUser();
  print(
    `     Users: ${number(await inspection.countUsers())}, ${number(await inspection.countInactive())} inactive`,
  );
  print(`     Tokens: ${number(await inspection.countTokens())}`);
  report(true, `Users without a token: ${number(withoutToken)} (the next login makes one)`);
  report(orphans === 0, `Tokens without a user: ${number(orphans)}`);

  await reportPasswords(inspection, milliseconds);
  await reportNames(inspection);
}

const report = (isWell: boolean, line: string): void =>
  print(`${isWell ? ' ok  ' : 'LOOK '}${line}`);

async function reportPasswords(
  inspection: Inspection,
  milliseconds: (iterations: number) => string,
): Promise<void> {
  print('     Passwords:');
  for (const { users, sample } of await inspection.passwordGroups()) {
    const password = identifyPassword(sample);
    const isCheap =
      password.algorithm !== 'pbkdf2_sha256' || (password.iterations ?? 0) <= MAX_NATIVE_ITERATIONS;
    const isWell = password.kind === 'unusable' || (password.kind === 'verifiable' && isCheap);
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
        return algorithm === 'pbkdf2_sha256' && (iterations ?? 0) > MAX_NATIVE_ITERATIONS
          ? `${label}: beyond production's native path, about ${milliseconds(iterations ?? 0)} of CPU a login`
          : label;
    }
  }
}

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

/** Milliseconds that one iteration of PBKDF2 takes in JavaScript on this machine. */
function timeIteration(): number {
  const derive = () => pbkdf2(sha256, 'password', 'salt', { c: TIMED_ITERATIONS, dkLen: 32 });
  // Once for the compiler.
  derive();
  const start = performance.now();
  derive();
  return (performance.now() - start) / TIMED_ITERATIONS;
}
