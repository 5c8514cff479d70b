/** Runs `manage` as an operator does: a process of its own, on a local database of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';

export type Outcome = { code: number | null; stdout: string; stderr: string };

export type Run = {
  env?: Record<string, string>;
  /** What a pipe brings on standard input. */
  input?: string;
  /** Interrupts the process where its standard error says this: by `kill -9`, or as Ctrl-C does. */
  interruptAt?: string;
  signal?: 'SIGKILL' | 'SIGINT';
};

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'edge-authtoken-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

const migrated = mkdtempSync(join(tmpdir(), 'edge-authtoken-migrated-'));
process.once('exit', () => rmSync(migrated, { recursive: true }));

/** A local database with the project's tables and nobody in them. */
export function freshDatabase() {
  const state = join(migrated, 'state');
  if (readdirSync(migrated).length === 0) {
    wrangler('d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', state);
  }
  const persistTo = join(temporaryDirectory(), 'state');
  cpSync(state, persistTo, { recursive: true });
  return {
    manage: (args: string[], run: Run = {}) => manage([...args, '--persist-to', persistTo], run),
    query: (sql: string) => query(persistTo, sql),
  };
}

function wrangler(...args: string[]): void {
  execFileSync(
    process.execPath,
    ['--env-file=.wrangler.env', 'node_modules/wrangler/bin/wrangler.js', ...args],
    { input: 'y\n', stdio: ['pipe', 'ignore', 'ignore'] },
  );
}

export function manage(
  args: string[],
  { env = {}, input = '', interruptAt, signal = 'SIGKILL' }: Run = {},
): Promise<Outcome> {
  const child = spawn(
    process.execPath,
    ['--env-file=.wrangler.env', 'src/manage/manage.ts', ...args],
    { env: { ...process.env, ...env }, detached: true },
  );
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
