/** Runs `manage` in this process, on a local database. */
import { Readable } from 'node:stream';
import { vi } from 'vitest';
import type { Database } from '../../src/manage/database.ts';
import { runManage } from '../../src/manage/program.ts';
import { useLocalD1 } from './local-d1.ts';

export type Outcome = { code: number | null; stdout: string; stderr: string };

export type Run = {
  env?: Record<string, string>;
  /** What a pipe brings on standard input. */
  input?: string;
  /** In place of what the local database comes with. */
  database?: Partial<Database>;
};

/** Gives a file's tests a command line and its database, in which each test finds nobody. */
export function useManage() {
  const database = useLocalD1();
  return {
    manage: (args: string[], run: Run = {}): Promise<Outcome> =>
      withStreams(run, () =>
        runManage(args, (_where, _kind, work) => work({ ...database(), ...run.database })),
      ),

    /** Asks the database itself, past the code under test. */
    query: async (sql: string) => (await database().d1.prepare(sql).all()).results,
  };
}

async function withStreams(
  { env = {}, input = '' }: Run,
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
  Object.defineProperty(process, 'stdin', {
    value: Readable.from([Buffer.from(input)]),
    configurable: true,
  });
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    const code = await run();
    return { code, ...outcome };
  } finally {
    vi.unstubAllEnvs();
    Object.defineProperty(process, 'stdin', stdin ?? {});
    for (const spy of spies) spy.mockRestore();
  }
}
