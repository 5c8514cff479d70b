/**
 * `npm run bench:imported`: first logins of users with imported hashes, on a runtime that refuses
 * native PBKDF2 as production does. Prints time, CPU and peak memory of 50 logins one after the other
 * and of 32 at once, and the time of token checks beside them.
 */
import { createHash, randomBytes, scryptSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bcrypt } from 'hash-wasm';
import { makePassword } from '../../src/hashing/hashers.ts';
import { openLoopMe, post } from './load.ts';
import { cpuMs, residentBytes } from './processes.ts';
import { PASSWORD, seed } from './seed.ts';
import { bundle, type Server, serve } from './serve.ts';
import { mean, percentile } from './statistics.ts';

const LOGINS = 50;
const AT_ONCE = 32;
const USERS = 1000;
const ME_PER_SECOND = 100;
const LONGEST_SECONDS = 60;
const SAMPLE_MS = 10;
const MIB = 1024 * 1024;

const salt = 'NaClNaClNaClNaClNaClNa';
const bcryptOf = (cost: number) =>
  bcrypt({
    password: createHash('sha256').update(PASSWORD).digest('hex'),
    salt: randomBytes(16),
    costFactor: cost,
  });
const scryptOf = (p: number) =>
  `scrypt$16384$${salt}$8$${p}$${scryptSync(PASSWORD, salt, 64, { N: 16384, r: 8, p, maxmem: 2 ** 26 }).toString('base64')}`;

/** Stored forms of `PASSWORD`, the first two from hasher-vectors.json. */
const KINDS: Record<string, string> = {
  'pbkdf2_sha256 of 600,000': await makePassword(PASSWORD, 600_000),
  'pbkdf2_sha256 of 1,000,000': await makePassword(PASSWORD, 1_000_000),
  'argon2, Django 5.2’s':
    'argon2$argon2id$v=19$m=102400,t=2,p=8$akZ0S2RISXE5enpQRnVZN2p6YzVjMQ$hFwCW2OsTsyyxlD5X0fSYf08OgZYqbyvIPfLS4PIw84',
  'argon2, Django 3.1’s':
    'argon2$argon2i$v=19$m=512,t=2,p=2$RENLUG5keUFVTjhn$ZkUd3zwuEAiacONq1ZeXig',
  'bcrypt_sha256 of cost 12': `bcrypt_sha256$${await bcryptOf(12)}`,
  'scrypt, Django 5.2’s': scryptOf(5),
  'scrypt, Django 4.0’s': scryptOf(1),
};

const scratch = await mkdtemp(join(tmpdir(), 'imported-'));
try {
  const script = await bundle('test/bench/production/product.ts', join(scratch, 'bundle'));
  for (const [name, password] of Object.entries(KINDS)) {
    const server = await serve(script, join(scratch, crypto.randomUUID()), { hasObjects: true });
    try {
      await seed(server, USERS, () => {});
      await sleep(500);
      await run(server, `${name}: ${LOGINS} logins`, password, LOGINS, 1);
      await run(server, `${name}: ${AT_ONCE} at once`, password, AT_ONCE, AT_ONCE);
    } finally {
      await server.stop();
    }
  }
} finally {
  await rm(scratch, { recursive: true });
}

async function run(server: Server, what: string, password: string, logins: number, atOnce: number) {
  const names = Array.from({ length: logins }, () => crypto.randomUUID());
  const database = await server.database();
  const insert = database.prepare(
    `insert into auth_user (password, is_superuser, username, last_name, email, is_staff, is_active,
       date_joined, first_name) values (?, 0, ?, '', '', 0, 1, '2024-03-18 02:30:00', '')`,
  );
  await database.batch(names.map((name) => insert.bind(password, name)));
  const before = (await residentBytes(server.pids)) ?? 0;
  const cpuBefore = (await cpuMs(server.pids)) ?? 0;
  let peak = before;
  let isOver = false;
  const watch = (async () => {
    while (!isOver) {
      peak = Math.max(peak, (await residentBytes(server.pids)) ?? 0);
      await sleep(SAMPLE_MS);
    }
  })();
  const me = openLoopUntil(server.url, () => isOver);
  const times: number[] = [];
  const line = names[Symbol.iterator]();
  const logIn = async () => {
    for (const username of line) {
      const start = performance.now();
      await post(`${server.url}/login`, 200, { username, password: PASSWORD });
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, logIn));
  await sleep(300);
  isOver = true;
  await watch;
  const latencies = await me;
  const cpu = ((await cpuMs(server.pids)) ?? 0) - cpuBefore;
  const after = (await residentBytes(server.pids)) ?? 0;
  const columns = [
    `mean ${mean(times).toFixed(0)} ms`,
    `last ${Math.max(...times).toFixed(0)} ms`,
    `CPU ${(cpu / logins).toFixed(0)} ms each`,
    `memory ${(before / MIB).toFixed(0)} → peak ${(peak / MIB).toFixed(0)}, after ${(after / MIB).toFixed(0)} MiB`,
    `/me p50 ${percentile(latencies, 0.5).toFixed(1)}, p99 ${percentile(latencies, 0.99).toFixed(0)} ms (${latencies.length})`,
  ];
  console.log(`${what.padEnd(42)} ${columns.join(' | ')}`);
}

/** Token checks at a fixed rate until told to stop. */
async function openLoopUntil(url: string, isOver: () => boolean): Promise<number[]> {
  const latencies: number[] = [];
  const chunk = 1;
  for (let seconds = 0; seconds < LONGEST_SECONDS && !isOver(); seconds += chunk) {
    const run = await openLoopMe(url, { users: USERS, perSecond: ME_PER_SECOND, seconds: chunk });
    latencies.push(...run.latencies);
  }
  return latencies;
}
