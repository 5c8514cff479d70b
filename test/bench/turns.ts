/**
 * Compares servers in short turns (A B A B), because the speed of a machine may change within a
 * second. Each round starts new processes, because processes differ too. Sums are over all turns. A
 * percentile is the median of the percentiles of the turns.
 */
import type { Run } from './load.ts';
import { cpuMs, residentBytes } from './processes.ts';
import { type Bundle, type ServeOptions, type Server, serve } from './serve.ts';
import { median, percentile, sum } from './statistics.ts';

/** The product, the product without its Durable Objects, and the bare reference. */
export const NAMES = ['product', 'isolate', 'reference'] as const;
export type Name = (typeof NAMES)[number];

/** Of those who take part, something each. */
export type Each<T> = Map<Name, T>;

export type Contestant = {
  name: Name;
  script: Bundle;
  /** A folder with a seeded database that no server has open. */
  data: string;
};

export type Bench = {
  contestants: Contestant[];
  users: number;
  /** How long each server is loaded in a round. */
  seconds: number;
  /** A folder as those of the contestants, for anything else. */
  spareData: string;
  /** Where files may be put; removed in the end. */
  scratch: string;
  progress: (text: string) => void;
};

/** One line of the table. A missing server was not measured. NaN: it cannot be measured here. */
export type Row = { metric: string; unit: string; values: Partial<Record<Name, number>> };

const ROUNDS = 7;
const BYTES_PER_MIB = 1024 ** 2;

export type Turns<T> = {
  /** The product's, in place of those of wrangler.toml. */
  vars?: Record<string, string>;
  rounds?: number;
  /** Runs on each new server, before the turns. */
  prepare?: (server: Server) => Promise<unknown>;
  /** How many each server has in a round. */
  turns?: number;
  turn: (server: Server) => Promise<T>;
};

/** Starts the server of a contestant. */
export const serveIt = (
  { name, script, data }: Contestant,
  vars: Record<string, string> = {},
): Promise<Server> => {
  const options: ServeOptions = { hasObjects: name === 'product' };
  return serve(script, data, name === 'reference' ? options : { ...options, vars });
};

/** In each round starts a server for each contestant, and has them take turns. */
export async function inTurns<T>(
  { contestants, progress }: Bench,
  what: string,
  { vars = {}, rounds = ROUNDS, prepare = async () => {}, turns = 1, turn }: Turns<T>,
): Promise<Each<T[]>> {
  const results: Each<T[]> = new Map();
  for (let round = 1; round <= rounds; round++) {
    const servers: [Name, Server][] = [];
    try {
      for (const contestant of contestants) {
        const server = await serveIt(contestant, vars);
        servers.push([contestant.name, server]);
        await prepare(server);
      }
      for (let i = 0; i < turns; i++) {
        for (const [name, server] of servers) {
          results.set(name, [...(results.get(name) ?? []), await turn(server)]);
        }
      }
    } finally {
      for (const [, server] of servers) await server.stop();
    }
    progress(`${what}: round ${round} of ${rounds}`);
  }
  return results;
}

/** A line of the table, in which each has its results summed up. */
export const row = <T>(
  metric: string,
  unit: string,
  results: Each<T>,
  sumUp: (result: T) => number,
): Row => ({
  metric,
  unit,
  values: Object.fromEntries([...results].map(([name, result]) => [name, sumUp(result)])),
});

export type MeasuredRun = Run & { cpuMs: number; residentBytes: number };

/** Puts a server under load, and looks at its processes. */
export async function measured(server: Server, load: () => Promise<Run>): Promise<MeasuredRun> {
  const before = (await cpuMs(server.pids)) ?? Number.NaN;
  const run = await load();
  const after = (await cpuMs(server.pids)) ?? Number.NaN;
  return { ...run, cpuMs: after - before, residentBytes: await resident(server) };
}

export const resident = async ({ pids }: Server): Promise<number> =>
  (await residentBytes(pids)) ?? Number.NaN;

const answers = (runs: Run[]): number => sum(runs.map(({ latencies }) => latencies.length));

export const perSecond = (runs: Run[]): number =>
  answers(runs) / sum(runs.map(({ seconds }) => seconds));

export const cpuEach = (runs: MeasuredRun[]): number =>
  sum(runs.map(({ cpuMs }) => cpuMs)) / answers(runs);

export const memory = (runs: Pick<MeasuredRun, 'residentBytes'>[]): number =>
  median(runs.map(({ residentBytes }) => residentBytes / BYTES_PER_MIB));

/** The median of the turns' percentiles, so that one slow moment affects one turn only. */
export const latency = (share: number) => (runs: Run[]) =>
  median(runs.map(({ latencies }) => percentile(latencies, share)));
