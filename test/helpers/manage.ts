/** Runs `manage` in this process, on a local database. */
import { PassThrough, Readable } from 'node:stream';
import { vi } from 'vitest';
import type { Database } from '../../src/manage/database.ts';
import { runManage } from '../../src/manage/program.ts';
import { useLocalD1 } from './local-d1.ts';

export type Outcome = { code: number | null; stdout: string; stderr: string };

export type Run = {
  env?: Record<string, string>;
  /** What a pipe brings on standard input. */
  input?: string;
  /** Keys for each question, as they are typed on a terminal. Without them there is no terminal. */
  keys?: string[];
  /** In place of what the local database comes with. */
  database?: Partial<Database>;
  /** Changes how the local D1 answers. */
  intercept?: (d1: D1Database) => D1Database;
};

/** Gives a file's tests a command line and its database, in which each test finds nobody. */
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

    /** Asks the database itself, past the code under test. */
    query: async (sql: string) => (await database().d1.prepare(sql).all()).results,
  };
}

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

/** A terminal's input. The keys for a question come when the question listens for them. */
function typing(keys: string[]) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
  const remaining = [...keys];
  let isNext = false;
  stdin.on('newListener', (event) => {
    if (event !== 'keypress' || isNext) return;
    isNext = true;
    setImmediate(() => {
      isNext = false;
      // Ctrl-C, so that a question too many ends the command.
      stdin.write(remaining.shift() ?? '\x03');
    });
  });
  return stdin;
}
