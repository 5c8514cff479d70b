/** Starts real Workers as `npm start` does, for tests that Node runs. */
import { execFileSync, spawn } from 'node:child_process';

const WRANGLER = ['--env-file=.wrangler.env', 'node_modules/wrangler/bin/wrangler.js'];

/** Apart from what else runs on this machine: its own databases, and its own register of Workers. */
export type Place = { config: string; persistTo: string; registry: string };

const environment = ({ registry }: Place) => ({
  ...process.env,
  CI: 'true',
  WRANGLER_REGISTRY_PATH: registry,
});

export function migrate(place: Place): void {
  const { config, persistTo } = place;
  const migrations = ['d1', 'migrations', 'apply', 'DB', '--local'];
  const args = [...WRANGLER, ...migrations, '--config', config, '--persist-to', persistTo];
  execFileSync(process.execPath, args, { env: environment(place), stdio: 'pipe' });
}

/** Runs `wrangler dev` on a free port until stopped. Its `url` comes once it serves. */
export function wranglerDev(place: Place): { url: Promise<string>; stop: () => Promise<void> } {
  const { config, persistTo } = place;
  const ports = ['--port', '0', '--inspector-port', '0'];
  const args = [...WRANGLER, 'dev', '--config', config, '--persist-to', persistTo, ...ports];
  // A group of its own, so that wrangler and its workerd end together.
  const child = spawn(process.execPath, args, { env: environment(place), detached: true });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));

  const url = new Promise<string>((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const ready = /Ready on (http:\/\/\S+)/.exec(output)?.[1];
      if (ready) resolve(ready);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`wrangler dev ended: ${output}`)));
  });

  async function stop() {
    const isRunning = child.exitCode === null && child.signalCode === null;
    if (isRunning && child.pid !== undefined) process.kill(-child.pid);
    await exited;
  }
  return { url, stop };
}
