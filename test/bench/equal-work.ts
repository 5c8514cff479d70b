/**
 * `npm run bench:equal-work`: does the time of a failed login tell whether the user exists? Users of
 * all kinds and unknown names are asked for in random order, at the iterations of wrangler.toml;
 * classifiers then guess from the times which names are known. And does the time of a request for a
 * link, or of the request after it on the same connection, tell whether an account has the address?
 *
 * Links are measured twice. Messages that go to a service outside, by HTTP, cost the Worker what they cost
 * it in production. The local `EMAIL` binding is a Worker in the same process and thread: it writes and
 * prints the message before the next request is answered.
 *
 *     npm run bench:equal-work -- [--rounds 60] [--production] [--only links|logins] [--by address]
 *       [--beside 3]
 *
 * `--by address`: the logins are those of dj-rest-auth, by e-mail address.
 * `--beside`: each timed login starts together with this many logins of unknown users.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { makePassword } from '../../src/hashing/hashers.ts';
import { accuracies, shuffled, type TimedName } from './classifier.ts';
import { ask, post } from './load.ts';
import { PASSWORD, seed } from './seed.ts';
import { bundle, type Server, serve } from './serve.ts';
import { median, percentile } from './statistics.ts';

const WARM_UP_PAIRS = 2;

/** A user's timings, as many as the classifier that sees most of them asks for. */
const TIMINGS = 10;

/** Users of each kind that are asked for in one round. */
const USERS_A_ROUND = 2;

/** No password has these keys, which makes no difference to the time. */
const SHA256 = `${'A'.repeat(43)}=`;
const SHA1 = `${'A'.repeat(27)}=`;
const SCRYPT = `${'A'.repeat(86)}==`;

const WRONG = `not ${PASSWORD}`;

type Kind = {
  name: string;
  /** The stored hash. */
  password: string;
  isActive?: boolean;
  /** The password to send; by default a wrong one. */
  sent?: string;
};

const pbkdf2 = (iterations: number): Kind => ({
  name: `pbkdf2_sha256 of ${iterations.toLocaleString('en')}`,
  password: `pbkdf2_sha256$${iterations}$saltSaltSaltSaltSaltSa$${SHA256}`,
});

const KINDS: Kind[] = [
  ...[1000, 100_000, 260_000, 600_000, 870_000, 1_000_000].map(pbkdf2),
  { name: 'pbkdf2_sha1 of 20,000', password: `pbkdf2_sha1$20000$seasalt$${SHA1}` },
  { name: 'pbkdf2_sha1 of 1,000,000', password: `pbkdf2_sha1$1000000$seasalt$${SHA1}` },
  { name: 'scrypt', password: `scrypt$16384$seasalt$8$5$${SCRYPT}` },
  { name: 'unusable', password: `!${'A'.repeat(40)}` },
  { name: 'argon2', password: 'argon2$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$aGFzaA' },
  {
    name: 'argon2 of Django 3.1',
    password: 'argon2$argon2i$v=19$m=512,t=2,p=2$c29tZXNhbHQ$aGFzaA',
  },
  {
    name: 'argon2 above the limits',
    password: 'argon2$argon2id$v=19$m=131072,t=2,p=8$c29tZXNhbHQ$aGFzaA',
  },
  { name: 'bcrypt_sha256', password: `bcrypt_sha256$$2b$12$${'A'.repeat(53)}` },
  { name: 'md5, which is not listed', password: `md5$salt$${'0'.repeat(32)}` },
  { name: 'inactive', password: await makePassword(PASSWORD, 600_000), isActive: false },
  {
    name: 'inactive, right password',
    password: await makePassword(PASSWORD, 600_000),
    isActive: false,
    sent: PASSWORD,
  },
  {
    name: 'inactive, right password, 260,000',
    password: await makePassword(PASSWORD, 260_000),
    isActive: false,
    sent: PASSWORD,
  },
];

/** How long the work after a response may take until the next request is sent. */
const SETTLE_MS = 50;

type LinkRoute = {
  path: string;
  /** Whether the user who gets a link is active. */
  isActive: 0 | 1;
  status: number;
};

/** Routes that send a link. */
const LINK_ROUTES: LinkRoute[] = [
  { path: '/users/reset_password', isActive: 1, status: 204 },
  { path: '/users/reset_username', isActive: 1, status: 204 },
  { path: '/users/resend_activation', isActive: 0, status: 204 },
  { path: '/dj-rest-auth/password/reset', isActive: 1, status: 200 },
  { path: '/dj-rest-auth/registration/resend-email', isActive: 0, status: 200 },
];

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '60' },
    production: { type: 'boolean', default: false },
    only: { type: 'string' },
    by: { type: 'string', default: 'username' },
    beside: { type: 'string', default: '0' },
  },
});
const rounds = Number(options.rounds);
const beside = Number(options.beside);

const VARS = {
  SECRET_KEY: 'of a bench',
  DEFAULT_FROM_EMAIL: 'us@example.com',
  EMAIL_VERIFICATION: 'required',
};

const scratch = await mkdtemp(join(tmpdir(), 'equal-work-'));
try {
  const entry = options.production ? 'test/bench/production/product.ts' : 'src/index.ts';
  await withServer(entry, {}, async (server) => {
    if (options.only !== 'links') await compareLogins(server);
    if (options.only !== 'logins') await compareLinks(server, 'EMAIL locally');
  });
  if (options.only !== 'logins') {
    await withMailService((MAIL_URL) =>
      withServer('test/bench/mail-by-http.ts', { MAIL_URL, MAIL_KEY: 'key' }, (server) =>
        compareLinks(server, 'mail by HTTP'),
      ),
    );
  }
} finally {
  await rm(scratch, { recursive: true });
}

/** Serves an entry with its own database. */
async function withServer(
  entry: string,
  vars: Record<string, string>,
  work: (server: Server) => Promise<void>,
): Promise<void> {
  const data = await mkdtemp(join(scratch, 'server-'));
  const script = await bundle(entry, join(data, 'bundle'));
  const server = await serve(script, data, { hasObjects: true, vars: { ...VARS, ...vars } });
  try {
    await seed(server, 0, () => {});
    await work(server);
  } finally {
    await server.stop();
  }
}

/** A mail service in this process that takes every message. @param work given its URL */
async function withMailService(work: (url: string) => Promise<void>): Promise<void> {
  const service = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(202).end());
  });
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  const { port }: AddressInfo = Object(service.address());
  try {
    await work(`http://127.0.0.1:${port}`);
  } finally {
    service.close();
  }
}

async function compareLinks(server: Server, how: string): Promise<void> {
  for (const route of LINK_ROUTES) {
    const known = await registerUser(server, route.isActive);
    const name = route.path.replace('/users/', '').slice(-24);
    await compare(`${name}, ${how}`, known, (username) =>
      timeOfLinkRequest(server.url, route, username),
    );
    await compare(`the request after ${name}, ${how}`, known, (username) =>
      timeOfNextRequest(server.url, route, username),
    );
  }
}

type Asked = TimedName & { username: string; kind: string; sent: string };

/** Times logins of all kinds of users and of as many unknown names, and prints what they show. */
async function compareLogins(server: Server): Promise<void> {
  /** A round asks for one group of names, so that each name is asked for ten times. */
  const groups = Math.ceil(rounds / TIMINGS);
  const inGroup = (group: number) => (_: Asked, i: number) => i % groups === group % groups;
  const known: Asked[] = KINDS.flatMap(({ name, sent = WRONG }) =>
    Array.from({ length: USERS_A_ROUND * groups }, () => asked(true, name, sent)),
  );
  await insertUsers(server, known);
  const unknown = known.map(() => asked(false, 'unknown', WRONG));
  // The first logins load the engines, and learn what the runtime refuses.
  for (const user of known.filter(inGroup(0))) await timeOf(server, user);

  for (let round = 0; round < rounds; round++) {
    const names = [...known.filter(inGroup(round)), ...unknown.filter(inGroup(round))];
    for (const name of shuffled(names)) name.times.push(await timeOf(server, name));
    if (process.stderr.isTTY) process.stderr.write(`\rround ${round + 1} of ${rounds} `);
  }

  console.log(`login: medians of ${rounds * USERS_A_ROUND} timings of each kind, in milliseconds`);
  for (const [kind, users] of Map.groupBy(known, (user) => user.kind)) row(kind, users);
  row('all known', known);
  row('all unknown', unknown);
  const names = known.length + unknown.length;
  console.log(`guesses at ${names} names, half of them known (a coin is right in 50 %)`);
  for (const { by, from, share } of accuracies([...known, ...unknown])) {
    console.log(`  by ${by.padEnd(10)} of ${from.padEnd(26)} ${(share * 100).toFixed(1)} % right`);
  }
}

function asked(isKnown: boolean, kind: string, sent: string): Asked {
  return { username: crypto.randomUUID(), isKnown, kind, sent, times: [] };
}

function row(what: string, names: Asked[]): void {
  const times = names.flatMap((name) => name.times);
  const [low, middle, high] = [0.1, 0.5, 0.9].map((share) => percentile(times, share).toFixed(1));
  console.log(`  ${what.padEnd(34)} ${middle?.padStart(7)}  (80 % from ${low} to ${high})`);
}

async function insertUsers(server: Server, users: Asked[]): Promise<void> {
  const database = await server.database();
  const insert = database.prepare(
    `insert into auth_user (password, is_superuser, username, last_name, email, is_staff, is_active,
       date_joined, first_name) values (?, 0, ?, '', ?, 0, ?, '2024-03-18 02:30:00', '')`,
  );
  await database.batch(
    users.map(({ username, kind }) => {
      const { password = '', isActive = true } = KINDS.find(({ name }) => name === kind) ?? {};
      return insert.bind(password, username, addressOf(username), Number(isActive));
    }),
  );
}

/** @returns milliseconds that a login took which must fail */
async function timeOf({ url }: Server, { username, sent }: Asked): Promise<number> {
  const start = performance.now();
  const login = failedLogin(url, username, sent);
  const others = Array.from({ length: beside }, () => failedLogin(url, crypto.randomUUID(), WRONG));
  await login;
  const time = performance.now() - start;
  await Promise.all(others);
  return time;
}

async function failedLogin(url: string, username: string, password: string): Promise<void> {
  if (options.by === 'address') {
    await post(`${url}/dj-rest-auth/login`, 400, { email: addressOf(username), password });
  } else await post(`${url}/login`, 401, { username, password });
}

/** @returns the name of a user with an address */
async function registerUser(server: Server, isActive: 0 | 1): Promise<string> {
  const username = crypto.randomUUID();
  const email = addressOf(username);
  await post(`${server.url}/register`, 201, { username, password: PASSWORD, email });
  const database = await server.database();
  const update = database.prepare('update auth_user set is_active = ? where username = ?');
  await update.bind(isActive, username).run();
  return username;
}

/** @param time milliseconds that a request about this user takes */
async function compare(
  what: string,
  username: string,
  time: (username: string) => Promise<number>,
): Promise<void> {
  const unknownUser: number[] = [];
  const knownUser: number[] = [];
  for (let pair = 0; pair < WARM_UP_PAIRS + rounds; pair++) {
    const unknown = () => time(crypto.randomUUID());
    const known = () => time(username);
    // Each goes first in every other pair: what a first one leaves behind must favour neither.
    const isUnknownFirst = pair % 2 === 0;
    const first = await (isUnknownFirst ? unknown : known)();
    const second = await (isUnknownFirst ? known : unknown)();
    if (pair < WARM_UP_PAIRS) continue;
    unknownUser.push(isUnknownFirst ? first : second);
    knownUser.push(isUnknownFirst ? second : first);
  }
  const [unknownMs, knownMs] = [median(unknownUser), median(knownUser)];
  const difference = `${(knownMs - unknownMs).toFixed(2)} ms`;
  const share = `${((knownMs / unknownMs - 1) * 100).toFixed(1)} %`;
  console.log(
    `${what.padEnd(50)} ${knownMs.toFixed(2)} ms, unknown user ${unknownMs.toFixed(2)} ms: ` +
      `${difference}, ${share} (medians of ${rounds} pairs)`,
  );
}

function addressOf(username: string): string {
  return `${username}@example.com`;
}

/** @returns milliseconds until the response; the work after it may still go on */
async function timeOfLinkRequest(
  url: string,
  { path, status }: LinkRoute,
  username: string,
): Promise<number> {
  const start = performance.now();
  await post(url + path, status, { email: addressOf(username) });
  const time = performance.now() - start;
  await sleep(SETTLE_MS);
  return time;
}

/** @returns milliseconds that a request without a token took, sent after a request for a link */
async function timeOfNextRequest(
  url: string,
  { path, status }: LinkRoute,
  username: string,
): Promise<number> {
  await post(url + path, status, { email: addressOf(username) });
  const start = performance.now();
  await ask(`${url}/me`, 401, {});
  const time = performance.now() - start;
  await sleep(SETTLE_MS);
  return time;
}
