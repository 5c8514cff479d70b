/** Runs `npm run manage` in a separate process, on a separate local database. */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll } from 'vitest';
import { scripts } from '../../package.json' with { type: 'json' };
import type { Outcome, Run } from './manage.ts';
import { migrate } from './server.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export type ProcessRun = Run & {
  /** Interrupts the process when its standard error contains this text. See `signal`. */
  interruptAt?: string;
  signal?: 'SIGKILL' | 'SIGINT';
  /** A folder on a separate disk of 1 MB while the process runs. Its files are listed at the end. */
  smallDisk?: string;
  /** No file may become longer: the system ends the process then (POSIX, SIGXFSZ). */
  maxFileBytes?: number;
  /** Closes the pipe of standard output, as `head` does, before the process writes. */
  closesOutput?: boolean;
};

/** The unit of `ulimit -f` in sh (POSIX, "ulimit"). */
const BLOCK_BYTES = 512;

/**
 * Gives each test of a file a separate local database, migrated by wrangler.
 *
 * @returns a function that creates a database without users, and runs `manage` on it
 */
export function useDatabases() {
  let migrated: string;
  beforeAll(() => {
    migrated = mkdtempSync(join(tmpdir(), 'edge-authtoken-migrated-'));
    migrate({ persistTo: migrated });
  });
  afterAll(() => rmSync(migrated, { recursive: true }));

  return () => {
    const directory = temporaryDirectory();
    const persistTo = join(directory, 'state');
    cpSync(migrated, persistTo, { recursive: true });
    return {
      persistTo,
      manage: (args: string[], run: ProcessRun = {}) =>
        // A killed process leaves its temporary files behind.
        manageProcess([...args, '--persist-to', persistTo], {
          ...run,
          env: { TMPDIR: directory, ...run.env },
        }),
      query: (sql: string) => query(persistTo, sql),
    };
  };
}

/** Runs the arguments after the folder with a disk of 1 MB there, in a mount namespace. */
const ON_SMALL_DISK = [
  ...['unshare', '--map-root-user', '--mount', 'sh', '-c'],
  'mount -t tmpfs -o size=1m tmpfs "$0" || exit 99; "$@"; code=$?; ls -A "$0"; exit $code',
];

/** Whether `smallDisk` is possible: some containers allow no mount namespace. */
export const hasSmallDisk = (): boolean => {
  const [file = '', ...args] = [...ON_SMALL_DISK, tmpdir(), 'true'];
  return spawnSync(file, args).status === 0;
};

/** The arguments for Node in the script of package.json, including memory limits. */
const MANAGE = scripts.manage.split(' ').slice(1);

export function manageProcess(
  args: string[],
  {
    env = {},
    input = '',
    interruptAt,
    signal = 'SIGKILL',
    maxFileBytes,
    smallDisk,
    closesOutput = false,
  }: ProcessRun = {},
): Promise<Outcome> {
  const limit = maxFileBytes === undefined ? 'unlimited' : Math.floor(maxFileBytes / BLOCK_BYTES);
  const command =
    smallDisk === undefined
      ? ['sh', '-c', `ulimit -f ${limit}; exec "$0" "$@"`]
      : [...ON_SMALL_DISK, smallDisk];
  const [file = '', ...commandArgs] = [...command, process.execPath, ...MANAGE, ...args];
  const child = spawn(file, commandArgs, {
    env: { ...process.env, ...env },
    detached: true,
  });
  let isInterrupted = false;
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (text) => {
    outcome.stdout += text;
  });
  child.stderr.on('data', (text) => {
    outcome.stderr += text;
    // The minus also ends the workerd process of the group.
    const isMoment = interruptAt !== undefined && outcome.stderr.includes(interruptAt);
    if (isMoment && !isInterrupted && child.pid) {
      isInterrupted = true;
      process.kill(-child.pid, signal);
    }
  });
  if (closesOutput) child.stdout.destroy();
  child.stdin.end(input);
  return new Promise((finished) => {
    child.once('close', (code) => finished({ ...outcome, code }));
  });
}

/** Queries the file of the database directly, without the code under test. */
function query(persistTo: string, sql: string): Record<string, unknown>[] {
  const directory = join(persistTo, 'v3/d1/miniflare-D1DatabaseObject');
  const file = readdirSync(directory).find((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
  const db = new DatabaseSync(join(directory, file ?? 'none'), {
    enableForeignKeyConstraints: false,
  });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}
