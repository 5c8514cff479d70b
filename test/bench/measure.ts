/** The measurements, by section. */
import { cp, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ask, loadMe, loginsUntil, openLoopMe, post, type Run, register } from './load.ts';
import { keepOnOneCore } from './processes.ts';
import { PASSWORD, randomUser, tokenOf, usernameOf } from './seed.ts';
import { bundle, type Server, serve } from './serve.ts';
import { mean, median, sum } from './statistics.ts';
import {
  type Bench,
  cpuEach,
  type Each,
  inTurns,
  latency,
  type MeasuredRun,
  measured,
  memory,
  type Name,
  perSecond,
  type Row,
  resident,
  row,
  serveIt,
  type Turns,
} from './turns.ts';

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
/** A person, the lanes of one isolate, a class, and as many as may wait in one isolate. */
const LOGINS_AT_ONCE = [1, 4, 32, 64];
/** With token checks beside them. */
const LOGINS_BESIDE_ME = 32;
const ROUNDS_OF_LOGINS_AT_ONCE = 5;
/** Until V8 has compiled what is run often. */
const WARM_UP_SECONDS = 4;
const WARM_UP_LOGINS = 2;
/** As many as one isolate may have to do with within seconds, each asking again and again. */
const BUSY_USERS = 100;
const TOKEN_CACHE = { TOKEN_CACHE_SECONDS: '5' };
const BYTES_PER_KIB = 1024;
/** Those that production takes natively, those of the default, and Django 6's. */
const ENGINE_ITERATIONS = [100_000, 600_000, 1_200_000];
const ENGINE_ROUNDS = 7;

export const sections = {
  me: async (bench) => [...(await measureMe(bench, 1)), ...(await measureMe(bench, CONNECTIONS))],
  cache: measureCache,
  login: (bench) => measureOneByOne(bench, 'login', logIn(bench, 1)),
  register: (bench) => measureOneByOne(bench, 'register', ({ url }) => register(url, 1)),
  storm: measureStorm,
  'at-once': measureLoginsAtOnce,
  'start-up': measureStartUp,
  bundle: async ({ contestants }) => {
    const scripts: Each<(typeof contestants)[number]['script']> = new Map(
      contestants.map(({ name, script }) => [name, script]),
    );
    // Without texts and WebAssembly, which are loaded when they are needed.
    const kib = (script: (typeof contestants)[number]['script']) =>
      sum(
        script
          .filter(({ type }) => type === 'ESModule')
          .map(({ contents }) => gzipSync(contents).byteLength / BYTES_PER_KIB),
      );
    return [row('bundle, gzipped', 'KiB', scripts, kib)];
  },
  'rows-read': measureRowsRead,
  engines: measureEngines,
  front: measureFront,
} satisfies Record<string, (bench: Bench) => Promise<Row[]>>;

async function measureMe(bench: Bench, connections: number): Promise<Row[]> {
  const what = `/me, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
  const runs = await inTurns(bench, what, turnsOfMe(bench.seconds, bench.users, connections));
  return [
    row(what, 'req/s', runs, perSecond),
    row(`${what}: CPU`, 'ms/req', runs, cpuEach),
    row(`${what}: p50`, 'ms', runs, latency(0.5)),
    row(`${what}: p99`, 'ms', runs, latency(0.99)),
    row(`${what}: resident memory`, 'MiB', runs, memory),
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
  return [row(busy, 'req/s', runs, perSecond), row(`${all}: resident memory`, 'MiB', walk, memory)];
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
    row(`/${what}, one by one: p50`, 'ms', runs, latency(0.5)),
    row(`/${what}: CPU`, 'ms/req', runs, cpuEach),
  ];
}

async function measureStorm(bench: Bench): Promise<Row[]> {
  const { users } = bench;
  const what = `/me, ${STORM_REQUESTS_PER_SECOND} req/s, during ${LOGIN_LOOPS} login loops`;
  const runs = await inTurns(bench, what, {
    prepare: warmUpForStorm(bench),
    turn: async ({ url }) => {
      let over = false;
      const loops = Array.from({ length: LOGIN_LOOPS }, () =>
        loginsUntil(url, { users, isOver: () => over }),
      );
      const me = stormOfMe(url, users, bench.seconds * STORM_LENGTH);
      const ended = me.finally(() => {
        over = true;
      });
      const [run, ...logins] = await Promise.all([ended, ...loops]);
      return { ...run, loginsPerSecond: sum(logins.map((loop) => perSecond([loop]))) };
    },
  });
  return [
    row(`${what}: p50`, 'ms', runs, latency(0.5)),
    row(`${what}: p99`, 'ms', runs, latency(0.99)),
    row('logins during that', 'req/s', runs, (of) =>
      median(of.map(({ loginsPerSecond }) => loginsPerSecond)),
    ),
  ];
}

/**
 * Logins that start together. Not for the reference: it has no queue, and its hash in JavaScript
 * holds the thread.
 */
async function measureLoginsAtOnce(bench: Bench): Promise<Row[]> {
  const contestants = bench.contestants.filter(({ name }) => name !== 'reference');
  const withoutReference = { ...bench, contestants };
  const rows: Row[] = [];
  for (const count of LOGINS_AT_ONCE) {
    const what = `${count} ${count === 1 ? 'login' : 'logins'} at once`;
    const runs = await inTurns(withoutReference, what, {
      rounds: ROUNDS_OF_LOGINS_AT_ONCE,
      prepare: prepareForLogins(bench),
      turn: (server) => measured(server, () => logInAtOnce(server, bench.users, count)),
    });
    rows.push(
      row(`${what}: CPU`, 'ms/req', runs, cpuEach),
      row(`${what}: mean`, 'ms', runs, (of) => median(of.map(({ latencies }) => mean(latencies)))),
      row(`${what}: last`, 'ms', runs, latency(1)),
    );
  }
  return [...rows, await measureMeBesideLogins(withoutReference)];
}

/** Token checks from the first login until the last of them is answered. */
async function measureMeBesideLogins(bench: Bench): Promise<Row> {
  const { users } = bench;
  const what = `/me, ${STORM_REQUESTS_PER_SECOND} req/s, beside ${LOGINS_BESIDE_ME} logins at once`;
  const runs = await inTurns(bench, what, {
    rounds: ROUNDS_OF_LOGINS_AT_ONCE,
    prepare: prepareForLogins(bench),
    turn: async (server) => {
      let isOver = false;
      const logins = logInAtOnce(server, users, LOGINS_BESIDE_ME).finally(() => {
        isOver = true;
      });
      const latencies: number[] = [];
      while (!isOver) latencies.push(...(await stormOfMe(server.url, users, 0.1)).latencies);
      return { ...(await logins), latencies };
    },
  });
  return row(`${what}: p99`, 'ms', runs, latency(0.99));
}

async function logInAtOnce({ url }: Server, users: number, count: number): Promise<Run> {
  const start = performance.now();
  const logins = Array.from({ length: count }, async () => {
    const username = usernameOf(randomUser(users));
    await post(`${url}/login`, 200, { username, password: PASSWORD });
    return performance.now() - start;
  });
  const latencies = await Promise.all(logins);
  return { latencies, seconds: (performance.now() - start) / 1000 };
}

/** Locally an object makes a file when it is new, which takes 2 ms. So all are made beforehand. */
const prepareForLogins = (bench: Bench) => async (server: Server) => {
  await warmUpForStorm(bench)(server);
  await logInAtOnce(server, bench.users, LOGINS_BESIDE_ME);
};

const stormOfMe = (url: string, users: number, seconds: number): Promise<Run> =>
  openLoopMe(url, { users, perSecond: STORM_REQUESTS_PER_SECOND, seconds });

const warmUpForStorm = (bench: Bench) => async (server: Server) => {
  await warmUp(server, bench.users);
  await logIn(bench, WARM_UP_LOGINS)(server);
};

/** From nothing to the first answer, by a route that needs no database. */
async function measureStartUp({ contestants, scratch, progress }: Bench): Promise<Row[]> {
  const times: Each<number[]> = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = 1; round <= STARTS; round++) {
    for (const contestant of contestants) {
      const data = await mkdtemp(join(scratch, 'start-'));
      const start = performance.now();
      const server = await serveIt({ ...contestant, data });
      try {
        await ask(`${server.url}/no-such-route`, 404, {});
        times.get(contestant.name)?.push(performance.now() - start);
      } finally {
        await server.stop();
      }
    }
    progress(`start-up, round ${round} of ${STARTS}`);
  }
  return [row('start-up, Miniflare to first answer', 'ms', times, median)];
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
      rows.push({ metric: `${path}: rows_read`, unit: 'rows', values: { product, reference } });
      progress(`rows_read of ${path}`);
    }
    return rows;
  } finally {
    await server.stop();
  }
}

/** Each of the product's other engines, beside the runtime's own. */
async function measureEngines({ scratch, progress }: Bench): Promise<Row[]> {
  const script = await bundle('test/bench/engines.ts', join(scratch, 'engines'));
  const server = await serve(script, await mkdtemp(join(scratch, 'engines-data-')));
  const time = async (engine: string, iterations: number) => {
    const start = performance.now();
    await ask(`${server.url}/${engine}/${iterations}`, 200, {});
    return performance.now() - start;
  };
  try {
    await keepOnOneCore(server.pids);
    const rows: Row[] = [];
    for (const iterations of ENGINE_ITERATIONS) {
      for (const engine of ['webassembly', 'javascript']) {
        const times = { product: [] as number[], reference: [] as number[] };
        for (let round = 0; round < ENGINE_ROUNDS; round++) {
          times.product.push(await time(engine, iterations));
          times.reference.push(await time('native', iterations));
        }
        rows.push({
          metric: `${iterations} iterations: ${engine} beside native`,
          unit: 'ms',
          values: { product: median(times.product), reference: median(times.reference) },
        });
        progress(`engines: ${engine}, ${iterations} iterations`);
      }
    }
    return rows;
  } finally {
    await server.stop();
  }
}

/** The cost of a login in the Worker itself: the work of the object is constant. */
async function measureFront(bench: Bench): Promise<Row[]> {
  const script = await bundle('test/bench/constant-hasher.ts', join(bench.scratch, 'front'));
  const data = join(bench.scratch, 'front-data');
  await cp(bench.spareData, data, { recursive: true });
  const server = await serve(script, data, { hasObjects: true });
  const cpu = async (what: string, count: number, load: () => Promise<Run>): Promise<Row> => {
    await load();
    const run = await measured(server, load);
    bench.progress(`front: ${what}`);
    return {
      metric: `/${what} in front of the objects: CPU (${count} requests)`,
      unit: 'ms/req',
      values: { product: cpuEach([run]) },
    };
  };
  const count = 200;
  try {
    return [
      await cpu('login', count, () => logIn(bench, count)(server)),
      await cpu('register', count, () => register(server.url, count)),
    ];
  } finally {
    await server.stop();
  }
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
