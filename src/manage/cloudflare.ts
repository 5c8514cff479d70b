/** Runs wrangler, to read from Cloudflare as JSON or to change something there. */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import * as v from 'valibot';
import type { SecretKey } from './before-production.ts';
import { wranglerCommand } from './called.ts';
import { CommandError } from './command-error.ts';

/** The output of `wrangler whoami --json`. Without a login it also exits with 1. */
const WhoAmI = v.variant('loggedIn', [
  v.object({ loggedIn: v.literal(false) }),
  v.object({
    loggedIn: v.literal(true),
    email: v.optional(v.string()),
    accounts: v.array(v.object({ id: v.string(), name: v.string() })),
  }),
]);

/** The output of `wrangler d1 list --json`. */
const Databases = v.array(v.object({ uuid: v.string(), name: v.string() }));

/** The output of `wrangler secret list --format json`. */
const Secrets = v.array(v.object({ name: v.string() }));

/** A line of WRANGLER_OUTPUT_FILE_PATH. */
const OutputEntry = v.object({ type: v.string(), targets: v.optional(v.array(v.string()), []) });

/** A process that failed. */
const Failed = v.object({ stdout: v.string(), stderr: v.string() });

/**
 * A host among a deployment's targets, with or without "(custom domain)"; not a route's pattern.
 */
const HOST = /^(?:https:\/\/)?([\w-]+(?:\.[\w-]+)+)(?: \(|$)/;

// An environment may belong to another account: each command names it.
export const whoAmI = (environment: string[]) => ask(['whoami', '--json', ...environment], WhoAmI);

export const listDatabases = (environment: string[]) =>
  ask(['d1', 'list', '--json', ...environment], Databases);

/** Whether the Worker has a secret SECRET_KEY; unknown if Cloudflare does not say. */
export async function askSecretKey(environment: string[]): Promise<SecretKey> {
  try {
    const secrets = await ask(['secret', 'list', '--format', 'json', ...environment], Secrets);
    return { kind: secrets.some(({ name }) => name === 'SECRET_KEY') ? 'secret' : 'unset' };
  } catch (error) {
    if (error instanceof CommandError) return { kind: 'unknown' };
    throw error;
  }
}

/** Asks no question. After a "no" the Worker would have no tables. */
export const applyMigrations = (binding: string, flags: string[]): Promise<void> =>
  run('migrations', ['d1', 'migrations', 'apply', binding, '--remote', ...flags], { input: '' });

/** Sets a secret of the deployed Worker. Its value is not an argument, which others could read. */
export const putSecret = (name: string, value: string, environment: string[]): Promise<void> =>
  run('secret', ['secret', 'put', name, ...environment], { input: value });

/**
 * Uploads the Worker, and creates the database if there is none. On a terminal wrangler may ask about
 * terms, or for the name of the account's workers.dev subdomain.
 *
 * @returns the address, unless there are only routes
 */
export async function upload(flags: string[]): Promise<URL | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'edge-authtoken-'));
  const output = join(directory, 'output.ndjson');
  try {
    await run('upload', ['deploy', ...flags], { env: { WRANGLER_OUTPUT_FILE_PATH: output } });
    const lines = (await readFile(output, 'utf8')).trim().split('\n');
    const entries = lines.map((line) => v.parse(OutputEntry, JSON.parse(line)));
    const targets = entries.find(({ type }) => type === 'deploy')?.targets ?? [];
    const [host] = targets.flatMap((target) => HOST.exec(target)?.[1] ?? []);
    return host === undefined ? undefined : new URL(`https://${host}`);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Without a terminal, as here, wrangler asks nothing. */
async function ask<T>(args: string[], schema: v.GenericSchema<unknown, T>): Promise<T> {
  const running = promisify(execFile)(process.execPath, [wranglerCommand(), ...args]);
  running.child.stdin?.end();
  const { stdout, stderr } = await running.catch((error) => v.parse(Failed, error));
  const answer = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), stdout);
  if (answer.success) return answer.output;
  const reason = stripVTControlCharacters(stderr || stdout).trim();
  throw new CommandError(`\`wrangler ${args.join(' ')}\` failed:`, reason.split('\n'));
}

/**
 * The operator sees what wrangler says.
 *
 * @param input the standard input. Without it, wrangler may ask the operator
 */
async function run(
  step: string,
  args: string[],
  { input, env = {} }: { input?: string; env?: Record<string, string> },
): Promise<void> {
  const child = spawn(process.execPath, [wranglerCommand(), ...args], {
    env: { ...process.env, ...env },
    stdio: [input === undefined ? 'inherit' : 'pipe', 'inherit', 'inherit'],
  });
  child.stdin?.end(input);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', resolve);
  });
  if (code === 0) return;
  throw new CommandError(
    `stopped at the ${step}. What was done before stays done: see above what is wrong, then run this again.`,
  );
}
