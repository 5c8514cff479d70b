/**
 * What is measured, section by section. Product and reference take turns (A B A B), so that whatever
 * else the machine is doing meets both; each number is the median of its rounds.
 */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ask, loadMe, loginsUntil, openLoopMe, type Run, register } from './load.ts';
import { cpuMs, residentBytes } from './processes.ts';
import { PASSWORD, tokenOf, usernameOf } from './seed.ts';
import { type Bundle, bundle, type Server, serve } from './serve.ts';
import { median, percentile } from './statistics.ts';

const NAMES = ['product', 'reference'] as const;
export type Name = (typeof NAMES)[number];

export type Bench = {
  users: number;
  /** How long one run of load lasts. */
  seconds: number;
  scripts: Record<Name, Bundle>;
  servers: Record<Name, Server>;
  /** A seeded database that no server has open. */
  spareData: string;
  /** Where files may be put; removed in the end. */
  scratch: string;
  progress: (text: string) => void;
};

/** One line of the table. NaN: could not be measured here. */
export type Row = { metric: string; unit: string } & Record<Name, number>;

const ROUNDS = 5;
const STARTS = 7;
const LOGINS = 15;
const REGISTRATIONS = 15;
const LOGIN_LOOPS = 2;
const STORM_REQUESTS_PER_SECOND = 100;
/** A p99 needs hundreds of requests: a storm lasts this many times as long as other runs. */
const STORM_LENGTH = 2;
const BYTES_PER_KIB = 1024;
const BYTES_PER_MIB = 1024 * BYTES_PER_KIB;

export const sections = {
  me: async (bench) => [
    ...(await measureMe(bench, 1)),
    ...(await measureMe(bench, 16)),
    await measureMemory(bench),
  ],
  login: (bench) =>
    measureOneByOne(bench, 'login', ({ url }) => {
      let left = LOGINS;
      return loginsUntil(url, { users: bench.users, isOver: () => left-- === 0 });
    }),
  register: (bench) =>
    measureOneByOne(bench, 'register', ({ url }) => register(url, REGISTRATIONS)),
  storm: measureStorm,
  'start-up': measureStartUp,
  bundle: async ({ scripts }) => [
    // The code alone: texts are loaded when they are asked for.
    row(
      'bundle, gzipped',
      'KiB',
      (name) => gzipSync(scripts[name][0]?.contents ?? '').byteLength / BYTES_PER_KIB,
    ),
  ],
  'rows-read': measureRowsRead,
} satisfies Record<string, (bench: Bench) => Promise<Row[]>>;

async function measureMe(bench: Bench, connections: number): Promise<Row[]> {
  const { users, seconds } = bench;
  const what = `/me, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
  const runs = await inTurns(bench, what, ({ url, pids }) =>
    withCpu(pids, () => loadMe(url, { users, connections, seconds })),
  );
  return [
    row(what, 'req/s', (name) => median(runs[name].map(perSecond))),
    row(`${what}: CPU`, 'ms/req', (name) => median(runs[name].map(cpuEach))),
    row(`${what}: p50`, 'ms', (name) => latency(runs[name], 0.5)),
    row(`${what}: p99`, 'ms', (name) => latency(runs[name], 0.99)),
  ];
}

async function measureMemory({ servers }: Bench): Promise<Row> {
  const [product, reference] = await Promise.all([
    residentBytes(servers.product.pids),
    residentBytes(servers.reference.pids),
  ]);
  const bytes = { product, reference };
  return row('resident memory', 'MiB', (name) => (bytes[name] ?? Number.NaN) / BYTES_PER_MIB);
}

async function measureOneByOne(
  bench: Bench,
  what: string,
  load: (server: Server) => Promise<Run>,
): Promise<Row[]> {
  const runs = await inTurns(bench, what, (server) => withCpu(server.pids, () => load(server)));
  return [
    row(`/${what}, one by one: p50`, 'ms', (name) => latency(runs[name], 0.5)),
    row(`/${what}: CPU`, 'ms/req', (name) => median(runs[name].map(cpuEach))),
  ];
}

async function measureStorm(bench: Bench): Promise<Row[]> {
  const { users } = bench;
  const seconds = bench.seconds * STORM_LENGTH;
  const what = `/me, ${STORM_REQUESTS_PER_SECOND} req/s, during ${LOGIN_LOOPS} login loops`;
  const runs = await inTurns(bench, what, async ({ url }) => {
    let over = false;
    const loops = Array.from({ length: LOGIN_LOOPS }, () =>
      loginsUntil(url, { users, isOver: () => over }),
    );
    const me = openLoopMe(url, { users, perSecond: STORM_REQUESTS_PER_SECOND, seconds });
    const ended = me.finally(() => {
      over = true;
    });
    const [run, ...logins] = await Promise.all([ended, ...loops]);
    const loginsPerSecond = logins.reduce((total, loop) => total + perSecond(loop), 0);
    return { ...run, loginsPerSecond };
  });
  return [
    row(`${what}: p50`, 'ms', (name) => latency(runs[name], 0.5)),
    row(`${what}: p99`, 'ms', (name) => latency(runs[name], 0.99)),
    row('logins during that', 'req/s', (name) =>
      median(runs[name].map(({ loginsPerSecond }) => loginsPerSecond)),
    ),
  ];
}

/** From nothing to the first answer, by a route that needs no database. */
async function measureStartUp({ scripts, scratch, progress }: Bench): Promise<Row[]> {
  const times: Record<Name, number[]> = { product: [], reference: [] };
  for (let round = 1; round <= STARTS; round++) {
    for (const name of NAMES) {
      const data = await mkdtemp(join(scratch, 'start-'));
      const start = performance.now();
      const server = await serve(scripts[name], data);
      try {
        await ask(`${server.url}/no-such-route`, 404, {});
        times[name].push(performance.now() - start);
      } finally {
        await server.stop();
      }
    }
    progress(`start-up, round ${round} of ${STARTS}`);
  }
  return [row('start-up, Miniflare to first answer', 'ms', (name) => median(times[name]))];
}

async function measureRowsRead({ scratch, spareData, progress }: Bench): Promise<Row[]> {
  const script = await bundle('test/bench/rows-read.ts', join(scratch, 'rows-read'));
  const server = await serve(script, spareData);
  const read = async (name: Name, path: string, init: RequestInit): Promise<number> => {
    const headers = { ...init.headers, 'X-Worker': name };
    const response = await fetch(`${server.url}${path}`, { ...init, headers });
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    await response.body?.cancel();
    return Number(response.headers.get('X-Rows-Read'));
  };
  const postJson = (body: object): RequestInit => ({
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  const requests: [string, (name: Name) => RequestInit][] = [
    ['/me', () => ({ headers: { Authorization: `Token ${tokenOf(1)}` } })],
    ['/login', () => postJson({ username: usernameOf(1), password: PASSWORD })],
    [
      '/register',
      (name) => postJson({ username: name, password: PASSWORD, email: 'a@example.com' }),
    ],
  ];
  try {
    const rows: Row[] = [];
    for (const [path, init] of requests) {
      const product = await read('product', path, init('product'));
      const reference = await read('reference', path, init('reference'));
      rows.push({ metric: `${path}: rows_read`, unit: 'rows', product, reference });
      progress(`rows_read of ${path}`);
    }
    return rows;
  } finally {
    await server.stop();
  }
}

/** Runs each server's turn in every round; the first round only warms them up. */
async function inTurns<T>(
  { servers, progress }: Bench,
  what: string,
  run: (server: Server) => Promise<T>,
): Promise<Record<Name, T[]>> {
  const runs: Record<Name, T[]> = { product: [], reference: [] };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const name of NAMES) {
      const result = await run(servers[name]);
      if (round > 0) runs[name].push(result);
      progress(`${what}: ${name}, ${round === 0 ? 'warm-up' : `round ${round} of ${ROUNDS}`}`);
    }
  }
  return runs;
}

type RunWithCpu = Run & { cpuMs: number };

async function withCpu(pids: number[], load: () => Promise<Run>): Promise<RunWithCpu> {
  const before = (await cpuMs(pids)) ?? Number.NaN;
  const run = await load();
  return { ...run, cpuMs: ((await cpuMs(pids)) ?? Number.NaN) - before };
}

const perSecond = ({ latencies, seconds }: Run): number => latencies.length / seconds;

const cpuEach = ({ latencies, cpuMs }: RunWithCpu): number => cpuMs / latencies.length;

/** The median of the rounds' percentiles: one bad moment of the machine is one round's alone. */
const latency = (runs: Run[], share: number): number =>
  median(runs.map(({ latencies }) => percentile(latencies, share)));

const row = (metric: string, unit: string, of: (name: Name) => number): Row => ({
  metric,
  unit,
  product: of('product'),
  reference: of('reference'),
});
