/**
 * `npm run bench:equal-work`: does the time of a failed login tell whether the user exists, or how old
 * its hash is? Does that of a password reset tell whether somebody has the address? Pairs of requests,
 * of an unknown user and of a known one in turn, at the iterations of wrangler.toml.
 *
 *     npm run bench:equal-work -- [--pairs 60] [--production]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { post } from './load.ts';
import { PASSWORD, seed } from './seed.ts';
import { bundle, type Server, serve } from './serve.ts';
import { median } from './statistics.ts';

const WARM_UP_PAIRS = 2;

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

const { values: options } = parseArgs({
  options: {
    pairs: { type: 'string', default: '60' },
    production: { type: 'boolean', default: false },
  },
});
const pairs = Number(options.pairs);

const scratch = await mkdtemp(join(tmpdir(), 'equal-work-'));
try {
  const entry = options.production ? 'test/bench/production/product.ts' : 'src/index.ts';
  const script = await bundle(entry, join(scratch, 'bundle'));
  const vars = { SECRET_KEY: 'of a bench', DEFAULT_FROM_EMAIL: 'us@example.com' };
  const server = await serve(script, scratch, { hasObjects: true, vars });
  try {
    await seed(server, 0, () => {});
    for (const [what, { password, isActive = 1 }] of Object.entries(KNOWN)) {
      const known = await knownUser(server, password, isActive);
      await compare(`login, ${what}`, known, (username) => timeOfFailure(server.url, username));
    }
    await compare('password reset', await knownUser(server, undefined, 1), (username) =>
      timeOfReset(server.url, username),
    );
  } finally {
    await server.stop();
  }
} finally {
  await rm(scratch, { recursive: true });
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
    `${what.padEnd(33)} ${knownMs.toFixed(2)} ms, unknown user ${unknownMs.toFixed(2)} ms: ` +
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

/** @returns milliseconds until the answer; what is done after it may still go on */
async function timeOfReset(url: string, username: string): Promise<number> {
  const start = performance.now();
  await post(`${url}/users/reset_password`, 204, { email: addressOf(username) });
  return performance.now() - start;
}
