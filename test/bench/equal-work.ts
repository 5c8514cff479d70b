/**
 * `npm run bench:equal-work`: does the time of a failed login tell whether the user exists, or how old
 * its hash is? Does the time of a request for a link, or of the request after it on the same connection,
 * tell whether an account has the address? Pairs of requests, of an unknown user and of a known one in
 * turn, at the iterations of wrangler.toml.
 *
 * Links are measured twice. Messages that go to a service outside, by HTTP, cost the Worker what they cost
 * it in production. The local `EMAIL` binding is a Worker in the same process and thread: it writes and
 * prints the message before the next request is answered.
 *
 *     npm run bench:equal-work -- [--pairs 60] [--production] [--only links]
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ask, post } from './load.ts';
import { PASSWORD, seed } from './seed.ts';
import { bundle, type Server, serve } from './serve.ts';
import { median } from './statistics.ts';

const WARM_UP_PAIRS = 2;

/** How long the work after a response may take until the next request is sent. */
const SETTLE_MS = 50;

/** What is stored of each user. That nobody has such a password makes no difference to its time. */
const KNOWN: Record<string, { password?: string; isActive?: 0 | 1 }> = {
  'new hash': {},
  'pbkdf2_sha256 of 1,000': { password: `pbkdf2_sha256$1000$seasalt$${'A'.repeat(43)}=` },
  'pbkdf2_sha256 of 100,000': { password: `pbkdf2_sha256$100000$seasalt$${'A'.repeat(43)}=` },
  'pbkdf2_sha256 of 260,000': { password: `pbkdf2_sha256$260000$seasalt$${'A'.repeat(43)}=` },
  'pbkdf2_sha1 of 20,000': { password: `pbkdf2_sha1$20000$seasalt$${'A'.repeat(27)}=` },
  inactive: { isActive: 0 },
  unusable: { password: `!${'A'.repeat(40)}` },
};

/** Routes that send a link, and whether the user who gets one is active. */
const LINK_ROUTES: Record<string, 0 | 1> = {
  '/users/reset_password': 1,
  '/users/resend_activation': 0,
};

const { values: options } = parseArgs({
  options: {
    pairs: { type: 'string', default: '60' },
    production: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
});
const pairs = Number(options.pairs);

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
    await compareLinks(server, 'EMAIL locally');
  });
  await withMailService((MAIL_URL) =>
    withServer('test/bench/mail-by-http.ts', { MAIL_URL, MAIL_KEY: 'key' }, (server) =>
      compareLinks(server, 'mail by HTTP'),
    ),
  );
} finally {
  await rm(scratch, { recursive: true });
}

/** Serves an entry over a database of its own. */
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

async function compareLogins(server: Server): Promise<void> {
  for (const [what, { password, isActive = 1 }] of Object.entries(KNOWN)) {
    const known = await knownUser(server, password, isActive);
    await compare(`login, ${what}`, known, (username) => timeOfFailure(server.url, username));
  }
}

async function compareLinks(server: Server, how: string): Promise<void> {
  for (const [path, isActive] of Object.entries(LINK_ROUTES)) {
    const known = await knownUser(server, undefined, isActive);
    const name = path.replace('/users/', '');
    await compare(`${name}, ${how}`, known, (username) =>
      timeOfLinkRequest(server.url, path, username),
    );
    await compare(`the request after ${name}, ${how}`, known, (username) =>
      timeOfNextRequest(server.url, path, username),
    );
  }
}

async function knownUser(server: Server, password: string | undefined, isActive: 0 | 1) {
  const username = crypto.randomUUID();
  const email = addressOf(username);
  await post(`${server.url}/register`, 201, { username, password: PASSWORD, email });
  const database = await server.database();
  await database
    .prepare(
      'update auth_user set password = coalesce(?, password), is_active = ? where username = ?',
    )
    .bind(password ?? null, isActive, username)
    .run();
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
  for (let pair = 0; pair < WARM_UP_PAIRS + pairs; pair++) {
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
      `${difference}, ${share} (medians of ${pairs} pairs)`,
  );
}

/** @returns milliseconds that a login which must fail took */
async function timeOfFailure(url: string, username: string): Promise<number> {
  const start = performance.now();
  await post(`${url}/login`, 401, { username, password: `not ${PASSWORD}` });
  return performance.now() - start;
}

function addressOf(username: string): string {
  return `${username}@example.com`;
}

/** @returns milliseconds until the response; the work after it may still go on */
async function timeOfLinkRequest(url: string, path: string, username: string): Promise<number> {
  const start = performance.now();
  await post(url + path, 204, { email: addressOf(username) });
  const time = performance.now() - start;
  await sleep(SETTLE_MS);
  return time;
}

/** @returns milliseconds that a request without a token took, sent after a request for a link */
async function timeOfNextRequest(url: string, path: string, username: string): Promise<number> {
  await post(url + path, 204, { email: addressOf(username) });
  const start = performance.now();
  await ask(`${url}/me`, 401, {});
  const time = performance.now() - start;
  await sleep(SETTLE_MS);
  return time;
}
