/** Starts servers with npm, for tests and benches that run in Node. */
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

/** Options of a server. The defaults are those of `npm start`. */
export type Place = {
  /** The directory of the project. */
  cwd?: string;
  config?: string;
  /** The directory of the databases. */
  persistTo?: string;
  /** The directory in which local Workers find each other. */
  registry?: string;
  /** `0` selects a free port. */
  port?: string;
  /** A file for the output of the server. */
  log?: string;
};

const WRANGLER = ['run', '--silent', 'wrangler', '--'];
export const WRANGLER_DEV = [...WRANGLER, 'dev'];

/** `npm start`. It always creates the tables of the default database, also with `persistTo`. */
export const NPM_START = ['start', '--'];

const optionsOf = ({ config, persistTo }: Place) => [
  ...(config === undefined ? [] : ['--config', config]),
  ...(persistTo === undefined ? [] : ['--persist-to', persistTo]),
];

const processOf = ({ cwd, registry }: Place) => ({
  cwd,
  env: {
    ...process.env,
    CI: 'true',
    ...(registry !== undefined && { WRANGLER_REGISTRY_PATH: registry }),
  },
});

/** Applies the migrations to the database of a server. */
export function migrate(place: Place): void {
  const migrations = ['d1', 'migrations', 'apply', 'DB', '--local'];
  const args = [...WRANGLER, ...migrations, ...optionsOf(place)];
  execFileSync('npm', args, { ...processOf(place), stdio: 'pipe' });
}

/** Runs SQL on the database of a server. */
export function execute(place: Place, sql: string): void {
  const args = [...WRANGLER, 'd1', 'execute', 'DB', '--local', '--command', sql];
  execFileSync('npm', [...args, ...optionsOf(place)], { ...processOf(place), stdio: 'pipe' });
}

/**
 * Starts a server on migrated tables. It runs until `stop` is called.
 *
 * @param command the arguments of npm
 * @returns `url` resolves without a final slash when it serves, and rejects with its output if it ends
 */
export function startServer(
  place: Place,
  command = WRANGLER_DEV,
): { url: Promise<string>; stop: () => Promise<void>; kill: () => Promise<void> } {
  const ports = ['--port', place.port ?? '0', '--inspector-port', '0'];
  // A separate process group, so that npm, wrangler and workerd end together.
  const child = spawn('npm', [...command, ...optionsOf(place), ...ports], {
    ...processOf(place),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));

  const url = new Promise<string>((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (place.log !== undefined) appendFileSync(place.log, chunk);
      const ready = /Ready on (http:\/\/\S+)/.exec(output)?.[1];
      if (ready) resolve(ready);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`the server ended: ${output}`)));
  });

  async function end(signal: NodeJS.Signals) {
    const isRunning = child.exitCode === null && child.signalCode === null;
    if (isRunning && child.pid !== undefined) process.kill(-child.pid, signal);
    await exited;
  }
  return { url, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}
