/** Starts servers as a person does, by npm, for what Node runs. */
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

/** Where a server runs. What is left out is as `npm start` has it. */
export type Place = {
  /** The project's directory. */
  cwd?: string;
  config?: string;
  /** The databases' directory. */
  persistTo?: string;
  /** Where Workers on this machine find each other. */
  registry?: string;
  /** `0` is any that is free. */
  port?: string;
  /** A file that gets what the server prints. */
  log?: string;
};

const WRANGLER = ['run', '--silent', 'wrangler', '--'];
export const WRANGLER_DEV = [...WRANGLER, 'dev'];

/** What a person types. It creates the tables of the usual place, whatever place it is given. */
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

/** Creates or updates the tables of a place. */
export function migrate(place: Place): void {
  const migrations = ['d1', 'migrations', 'apply', 'DB', '--local'];
  const args = [...WRANGLER, ...migrations, ...optionsOf(place)];
  execFileSync('npm', args, { ...processOf(place), stdio: 'pipe' });
}

/**
 * Starts a server on a place's tables and runs it until stopped.
 *
 * @param command what npm runs
 * @returns its `url`, without a final slash, once it serves; rejected with what was printed if it ends
 */
export function startServer(
  place: Place,
  command = WRANGLER_DEV,
): { url: Promise<string>; stop: () => Promise<void> } {
  const ports = ['--port', place.port ?? '0', '--inspector-port', '0'];
  // A group of its own, so that npm, wrangler and workerd end together.
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

  async function stop() {
    const isRunning = child.exitCode === null && child.signalCode === null;
    if (isRunning && child.pid !== undefined) process.kill(-child.pid);
    await exited;
  }
  return { url, stop };
}
