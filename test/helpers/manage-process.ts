/** Runs `npm run manage` in a process of its own, on a local database of its own. */
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
  /** Interrupts the process where its standard error says this: by `kill -9`, or as Ctrl-C does. */
  interruptAt?: string;
  signal?: 'SIGKILL' | 'SIGINT';
};

/**
 * Gives a file's tests local databases of their own, which wrangler has migrated.
 *
 * @returns what gives a test a database with nobody in it, and its command line
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

/** What package.json's script gives to Node, the limits of its memory included. */
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
    // With the minus its workerd too, which would stay.
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

/** Asks the database's file itself, past the code under test. */
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
