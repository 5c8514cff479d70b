/**
 * What is measured, section by section. Product and reference take turns (A B A B), each round in
 * processes of its own, so that neither whatever else the machine is doing nor the luck of one process
 * favours either; each number is the median of its rounds.
 */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  ask,
  loadMe,
  loginsUntil,
  openLoopMe,
  REQUESTS_PER_CONNECTION,
  type Run,
  register,
} from './load.ts';
import { cpuMs, keepOnOneCore, residentBytes } from './processes.ts';
import { PASSWORD, randomUser, tokenOf, usernameOf } from './seed.ts';
import { type Bundle, bundle, type Server, serve } from './serve.ts';
import { mean, median, percentile } from './statistics.ts';

export const NAMES = ['product', 'reference'] as const;
export type Name = (typeof NAMES)[number];

export type Bench = {
  users: number;
  /** How long one run of load lasts. */
  seconds: number;
  scripts: Record<Name, Bundle>;
  /** Folders, each with a seeded database that no server has open. */
  data: Record<Name | 'spare', string>;
  /** Where files may be put; removed in the end. */
  scratch: string;
  progress: (text: string) => void;
};

/** One line of the table. NaN: could not be measured here. */
export type Row = { metric: string; unit: string } & Record<Name, number>;

const ROUNDS = 7;
const STARTS = 7;
const CONNECTIONS = 16;
const REQUESTS_ONE_BY_ONE = 20;
const LOGIN_LOOPS = 2;
const STORM_REQUESTS_PER_SECOND = 100;
/** A p99 needs hundreds of requests: a storm lasts this many times as long as other runs. */
const STORM_LENGTH = 3;
/** Until V8 has compiled what is run often. */
const WARM_UP_SECONDS = 4;
const WARM_UP_LOGINS = 2;
/** As many as one isolate may have to do with within seconds, each asking again and again. */
const BUSY_USERS = 100;
const TOKEN_CACHE = { TOKEN_CACHE_SECONDS: '5' };
const BYTES_PER_KIB = 1024;
const BYTES_PER_MIB = 1024 * BYTES_PER_KIB;

export const sections = {
  me: async (bench) => [...(await measureMe(bench, 1)), ...(await measureMe(bench, CONNECTIONS))],
  cache: measureCache,
  login: (bench) => measureOneByOne(bench, 'login', logIn(bench, 1)),
  register: (bench) => measureOneByOne(bench, 'register', ({ url }) => register(url, 1)),
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
  const what = `/me, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
  const nextUser = () => randomUser(bench.users);
  const runs = await inTurns(bench, what, async (server) => {
    await warmUp(server, bench);
    const length = { duration: bench.seconds };
    return measured(server, () => loadMe(server.url, { nextUser, connections, length }));
  });
  return [
    row(what, 'req/s', (name) => median(runs[name].map(perSecond))),
    row(`${what}: CPU`, 'ms/req', (name) => median(runs[name].map(cpuEach))),
    row(`${what}: p50`, 'ms', (name) => latency(runs[name], 0.5)),
    row(`${what}: p99`, 'ms', (name) => latency(runs[name], 0.99)),
    row(`${what}: resident memory`, 'MiB', (name) => memory(runs[name])),
  ];
}

/** The product with a token cache beside the reference without: busy users, then each user once. */
async function measureCache(bench: Bench): Promise<Row[]> {
  const { users } = bench;
  const connections = CONNECTIONS;
  const variables = `TOKEN_CACHE_SECONDS=${TOKEN_CACHE.TOKEN_CACHE_SECONDS}`;
  const busy = `/me of ${BUSY_USERS} users, ${connections} connections, ${variables}`;
  const nextUser = () => randomUser(Math.min(BUSY_USERS, users));
  const runs = await inTurns(
    bench,
    busy,
    async ({ url }) => {
      await loadMe(url, { nextUser, connections, length: { duration: WARM_UP_SECONDS } });
      return loadMe(url, { nextUser, connections, length: { duration: bench.seconds } });
    },
    TOKEN_CACHE,
  );

  const all = `/me of each of ${users} users, ${variables}`;
  const walk = await inTurns(
    bench,
    all,
    async (server) => {
      let user = 0;
      const nextUser = () => Math.min(++user, users);
      const amount = connections * REQUESTS_PER_CONNECTION;
      const nextUsers = () => loadMe(server.url, { nextUser, connections, length: { amount } });
      while (user + amount < users) await nextUsers();
      return measured(server, nextUsers);
    },
    TOKEN_CACHE,
    1,
  );
  return [
    row(busy, 'req/s', (name) => median(runs[name].map(perSecond))),
    row(`${all}: resident memory`, 'MiB', (name) => memory(walk[name])),
  ];
}

/** Turns of one request each: how long a hash takes here may be another matter a second later. */
async function measureOneByOne(
  bench: Bench,
  what: string,
  askOnce: (server: Server) => Promise<Run>,
): Promise<Row[]> {
  const runs: Record<Name, MeasuredRun[]> = { product: [], reference: [] };
  for (let round = 1; round <= ROUNDS; round++) {
    const servers: [Name, Server][] = [];
    try {
      for (const name of NAMES) {
        const server = await serve(bench.scripts[name], bench.data[name]);
        servers.push([name, server]);
        await keepOnOneCore(server.pids);
        await logIn(bench, WARM_UP_LOGINS)(server);
      }
      for (let turn = 0; turn < REQUESTS_ONE_BY_ONE; turn++) {
        for (const [name, server] of servers) {
          runs[name].push(await measured(server, () => askOnce(server)));
        }
      }
    } finally {
      for (const [, server] of servers) await server.stop();
    }
    bench.progress(`/${what}: round ${round} of ${ROUNDS}`);
  }
  return [
    row(`/${what}, one by one: p50`, 'ms', (name) => latency(runs[name], 0.5)),
    row(`/${what}: CPU`, 'ms/req', (name) => mean(runs[name].map(({ cpuMs }) => cpuMs))),
  ];
}

async function measureStorm(bench: Bench): Promise<Row[]> {
  const { users } = bench;
  const seconds = bench.seconds * STORM_LENGTH;
  const what = `/me, ${STORM_REQUESTS_PER_SECOND} req/s, during ${LOGIN_LOOPS} login loops`;
  const runs = await inTurns(bench, what, async (server) => {
    await warmUp(server, bench);
    await logIn(bench, WARM_UP_LOGINS)(server);
    let over = false;
    const loops = Array.from({ length: LOGIN_LOOPS }, () =>
      loginsUntil(server.url, { users, isOver: () => over }),
    );
    const me = openLoopMe(server.url, { users, perSecond: STORM_REQUESTS_PER_SECOND, seconds });
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

async function measureRowsRead({ scratch, data, progress }: Bench): Promise<Row[]> {
  const script = await bundle('test/bench/rows-read.ts', join(scratch, 'rows-read'));
  const server = await serve(script, data.spare);
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

/**
 * Starts a server for each turn of each round and runs `turn` on it.
 *
 * @param vars of the product's
 */
async function inTurns<T>(
  { scripts, data, progress }: Bench,
  what: string,
  turn: (server: Server) => Promise<T>,
  vars: Record<string, string> = {},
  rounds = ROUNDS,
): Promise<Record<Name, T[]>> {
  const runs: Record<Name, T[]> = { product: [], reference: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const name of NAMES) {
      const server = await serve(scripts[name], data[name], name === 'product' ? vars : {});
      try {
        runs[name].push(await turn(server));
      } finally {
        await server.stop();
      }
      progress(`${what}: ${name}, round ${round} of ${rounds}`);
    }
  }
  return runs;
}

const warmUp = ({ url }: Server, { users }: Bench) => {
  const length = { duration: WARM_UP_SECONDS };
  return loadMe(url, { nextUser: () => randomUser(users), connections: CONNECTIONS, length });
};

const logIn =
  ({ users }: Bench, count: number) =>
  ({ url }: Server) => {
    let left = count;
    return loginsUntil(url, { users, isOver: () => left-- === 0 });
  };

type MeasuredRun = Run & { cpuMs: number; residentBytes: number };

async function measured({ pids }: Server, load: () => Promise<Run>): Promise<MeasuredRun> {
  const before = (await cpuMs(pids)) ?? Number.NaN;
  const run = await load();
  const after = (await cpuMs(pids)) ?? Number.NaN;
  const bytes = (await residentBytes(pids)) ?? Number.NaN;
  return { ...run, cpuMs: after - before, residentBytes: bytes };
}

const perSecond = ({ latencies, seconds }: Run): number => latencies.length / seconds;

const cpuEach = ({ latencies, cpuMs }: MeasuredRun): number => cpuMs / latencies.length;

const memory = (runs: MeasuredRun[]): number =>
  median(runs.map(({ residentBytes }) => residentBytes / BYTES_PER_MIB));

/** The median of the rounds' percentiles: one bad moment of the machine is one round's alone. */
const latency = (runs: Run[], share: number): number =>
  median(runs.map(({ latencies }) => percentile(latencies, share)));

const row = (metric: string, unit: string, of: (name: Name) => number): Row => ({
  metric,
  unit,
  product: of('product'),
  reference: of('reference'),
});
