/**
 * What is measured, section by section. Product and reference take turns (A B A B), short ones where they
 * can be, for how fast this machine is may be another matter a second later; and several rounds, each in
 * processes of its own, lest the luck of one process decide. Sums are over all turns; a percentile is the
 * median of the turns'.
 */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ask, loadMe, loginsUntil, openLoopMe, type Run, register } from './load.ts';
import { cpuMs, keepOnOneCore, residentBytes } from './processes.ts';
import { PASSWORD, randomUser, tokenOf, usernameOf } from './seed.ts';
import { type Bundle, bundle, type Server, serve } from './serve.ts';
import { median, percentile, sum } from './statistics.ts';

export const NAMES = ['product', 'reference'] as const;
export type Name = (typeof NAMES)[number];

export type Bench = {
  users: number;
  /** How long each server is loaded in a round. */
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
/** How long a turn of `/me` lasts. */
const TURN_SECONDS = 0.5;
/** How many requests of random users a run of `/me` makes beforehand. */
const REQUESTS = 1000;
/** How many users a walk through all of them asks for at a time. */
const STEP = 16_000;
const REQUESTS_ONE_BY_ONE = 20;
const LOGIN_LOOPS = 2;
const STORM_REQUESTS_PER_SECOND = 100;
/** A p99 needs hundreds of requests: a storm lasts this many times as long as other rounds. */
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
  const runs = await inTurns(bench, what, turnsOfMe(bench.seconds, bench.users, connections));
  return [
    row(what, 'req/s', (name) => perSecond(runs[name])),
    row(`${what}: CPU`, 'ms/req', (name) => cpuEach(runs[name])),
    row(`${what}: p50`, 'ms', (name) => latency(runs[name], 0.5)),
    row(`${what}: p99`, 'ms', (name) => latency(runs[name], 0.99)),
    row(`${what}: resident memory`, 'MiB', (name) => memory(runs[name])),
  ];
}

/** The product with a token cache beside the reference without: busy users, then each user once. */
async function measureCache(bench: Bench): Promise<Row[]> {
  const busyUsers = Math.min(BUSY_USERS, bench.users);
  const variables = `TOKEN_CACHE_SECONDS=${TOKEN_CACHE.TOKEN_CACHE_SECONDS}`;
  const busy = `/me of ${busyUsers} users, ${CONNECTIONS} connections, ${variables}`;
  const runs = await inTurns(bench, busy, {
    vars: TOKEN_CACHE,
    ...turnsOfMe(bench.seconds, busyUsers, CONNECTIONS),
  });

  const all = `/me of each of ${bench.users} users, ${variables}`;
  const walk = await inTurns(bench, all, {
    vars: TOKEN_CACHE,
    rounds: 1,
    turn: async (server) => {
      await walkAll(server, bench.users);
      return { residentBytes: await resident(server) };
    },
  });
  return [
    row(busy, 'req/s', (name) => perSecond(runs[name])),
    row(`${all}: resident memory`, 'MiB', (name) => memory(walk[name])),
  ];
}

async function measureOneByOne(
  bench: Bench,
  what: string,
  askOnce: (server: Server) => Promise<Run>,
): Promise<Row[]> {
  const runs = await inTurns(bench, `/${what}`, {
    prepare: async (server) => {
      await keepOnOneCore(server.pids);
      await logIn(bench, WARM_UP_LOGINS)(server);
    },
    turns: REQUESTS_ONE_BY_ONE,
    turn: (server) => measured(server, () => askOnce(server)),
  });
  return [
    row(`/${what}, one by one: p50`, 'ms', (name) => latency(runs[name], 0.5)),
    row(`/${what}: CPU`, 'ms/req', (name) => cpuEach(runs[name])),
  ];
}

async function measureStorm(bench: Bench): Promise<Row[]> {
  const { users } = bench;
  const seconds = bench.seconds * STORM_LENGTH;
  const what = `/me, ${STORM_REQUESTS_PER_SECOND} req/s, during ${LOGIN_LOOPS} login loops`;
  const runs = await inTurns(bench, what, {
    prepare: async (server) => {
      await warmUp(server, users);
      await logIn(bench, WARM_UP_LOGINS)(server);
    },
    turn: async ({ url }) => {
      let over = false;
      const loops = Array.from({ length: LOGIN_LOOPS }, () =>
        loginsUntil(url, { users, isOver: () => over }),
      );
      const me = openLoopMe(url, { users, perSecond: STORM_REQUESTS_PER_SECOND, seconds });
      const ended = me.finally(() => {
        over = true;
      });
      const [run, ...logins] = await Promise.all([ended, ...loops]);
      const loginsPerSecond = sum(logins.map((loop) => perSecond([loop])));
      return { ...run, loginsPerSecond };
    },
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

type Turns<T> = {
  /** The product's, in place of those of wrangler.toml. */
  vars?: Record<string, string>;
  rounds?: number;
  /** Runs on each new server, before the turns. */
  prepare?: (server: Server) => Promise<unknown>;
  /** How many each server has in a round. */
  turns?: number;
  turn: (server: Server) => Promise<T>;
};

/** In each round starts a server of each kind, and has them take turns. */
async function inTurns<T>(
  { scripts, data, progress }: Bench,
  what: string,
  { vars = {}, rounds = ROUNDS, prepare = async () => {}, turns = 1, turn }: Turns<T>,
): Promise<Record<Name, T[]>> {
  const results: Record<Name, T[]> = { product: [], reference: [] };
  for (let round = 1; round <= rounds; round++) {
    const servers: [Name, Server][] = [];
    try {
      for (const name of NAMES) {
        const server = await serve(scripts[name], data[name], name === 'product' ? vars : {});
        servers.push([name, server]);
        await prepare(server);
      }
      for (let i = 0; i < turns; i++) {
        for (const [name, server] of servers) results[name].push(await turn(server));
      }
    } finally {
      for (const [, server] of servers) await server.stop();
    }
    progress(`${what}: round ${round} of ${rounds}`);
  }
  return results;
}

/** Turns of `/me`, asked by random users. */
const turnsOfMe = (seconds: number, users: number, connections: number): Turns<MeasuredRun> => ({
  prepare: (server) => warmUp(server, users),
  turns: seconds / TURN_SECONDS,
  turn: (server) =>
    measured(server, () => meOfRandomUsers(server, users, connections, TURN_SECONDS)),
});

const warmUp = (server: Server, users: number): Promise<Run> =>
  meOfRandomUsers(server, users, CONNECTIONS, WARM_UP_SECONDS);

function meOfRandomUsers(
  { url }: Server,
  users: number,
  connections: number,
  duration: number,
): Promise<Run> {
  const asking = Array.from({ length: REQUESTS }, () => randomUser(users));
  return loadMe(url, { users: asking, connections, length: { duration } });
}

/** Each user once, in several runs, for a million requests would not fit into memory. */
async function walkAll({ url }: Server, users: number): Promise<void> {
  for (let first = 1; first <= users; first += STEP) {
    const amount = Math.min(STEP, users - first + 1);
    const step = Array.from({ length: amount }, (_, i) => first + i);
    const connections = Math.min(CONNECTIONS, amount);
    await loadMe(url, { users: step, connections, length: { amount } });
  }
}

const logIn =
  ({ users }: Bench, count: number) =>
  ({ url }: Server) => {
    let left = count;
    return loginsUntil(url, { users, isOver: () => left-- === 0 });
  };

type MeasuredRun = Run & { cpuMs: number; residentBytes: number };

async function measured(server: Server, load: () => Promise<Run>): Promise<MeasuredRun> {
  const before = (await cpuMs(server.pids)) ?? Number.NaN;
  const run = await load();
  const after = (await cpuMs(server.pids)) ?? Number.NaN;
  return { ...run, cpuMs: after - before, residentBytes: await resident(server) };
}

const resident = async ({ pids }: Server): Promise<number> =>
  (await residentBytes(pids)) ?? Number.NaN;

const answers = (runs: Run[]): number => sum(runs.map(({ latencies }) => latencies.length));

const perSecond = (runs: Run[]): number => answers(runs) / sum(runs.map(({ seconds }) => seconds));

const cpuEach = (runs: MeasuredRun[]): number =>
  sum(runs.map(({ cpuMs }) => cpuMs)) / answers(runs);

const memory = (runs: Pick<MeasuredRun, 'residentBytes'>[]): number =>
  median(runs.map(({ residentBytes }) => residentBytes / BYTES_PER_MIB));

/** The median of the turns' percentiles: one bad moment of the machine is one turn's alone. */
const latency = (runs: Run[], share: number): number =>
  median(runs.map(({ latencies }) => percentile(latencies, share)));

const row = (metric: string, unit: string, of: (name: Name) => number): Row => ({
  metric,
  unit,
  product: of('product'),
  reference: of('reference'),
});
