/** Runs `npm run manage` in a separate process, on a separate local database. */
import { spawn } from 'node:child_process';
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
};

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

/** The arguments for Node in the script of package.json, including memory limits. */
const MANAGE = scripts.manage.split(' ').slice(1);

export function manageProcess(
  args: string[],
  { env = {}, input = '', interruptAt, signal = 'SIGKILL' }: ProcessRun = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [...MANAGE, ...args], {
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
