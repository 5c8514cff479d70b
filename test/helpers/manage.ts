/** Runs `manage` in this process, on a local database. */
import { PassThrough, Readable } from 'node:stream';
import { vi } from 'vitest';
import type { Database } from '../../src/manage/database.ts';
import { runManage } from '../../src/manage/program.ts';
import type { Vars } from '../../src/settings.ts';
import { useLocalD1 } from './local-d1.ts';

export type Outcome = { code: number | null; stdout: string; stderr: string };

export type Run = {
  env?: Record<string, string>;
  /** Text or bytes on standard input, as from a pipe. */
  input?: string | Uint8Array;
  /** Keys typed for each question. Without `keys`, standard input is not a terminal. */
  keys?: string[];
  /** Overrides properties of the local database. */
  database?: Partial<Database>;
  /** Wraps the local D1. */
  intercept?: (d1: D1Database) => D1Database;
};

/** Gives the tests of a file `manage` and its database, which is empty at the start of each test. */
export function useManage() {
  const database = useLocalD1();
  return {
    manage: (args: string[], run: Run = {}): Promise<Outcome> =>
      withStreams(run, () =>
        runManage(args, (_where, _kind, work) => {
          const { d1, ...others } = database();
          return work({ ...others, d1: run.intercept?.(d1) ?? d1, ...run.database });
        }),
      ),

    /** Queries the database directly, without the code under test. */
    query: async (sql: string) => (await database().d1.prepare(sql).all()).results,
  };
}

/** A run with these variables of the Worker, and the defaults of all others. */
export const withVars = (vars: Vars & Record<string, string>): Run => ({ database: { vars } });

async function withStreams(
  { env = {}, input = '', keys }: Run,
  run: () => Promise<number>,
): Promise<Outcome> {
  const outcome = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      outcome[name] += text;
      return true;
    }),
  );
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin');
  const { isTTY } = process.stderr;
  process.stderr.isTTY = keys !== undefined;
  Object.defineProperty(process, 'stdin', {
    value: keys ? typing(keys) : Readable.from([Buffer.from(input)]),
    configurable: true,
  });
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    const code = await run();
    return { code, ...outcome };
  } finally {
    vi.unstubAllEnvs();
    process.stderr.isTTY = isTTY;
    Object.defineProperty(process, 'stdin', stdin ?? {});
    for (const spy of spies) spy.mockRestore();
  }
}

/** The input of a terminal. The keys of a question are sent when the question listens for them. */
function typing(keys: string[]) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
  const remaining = [...keys];
  let isNext = false;
  stdin.on('newListener', (event) => {
    if (event !== 'keypress' || isNext) return;
    isNext = true;
    setImmediate(() => {
      isNext = false;
      // Without keys: Ctrl-C, so that an unexpected question ends the command.
      stdin.write(remaining.shift() ?? '\x03');
    });
  });
  return stdin;
}
