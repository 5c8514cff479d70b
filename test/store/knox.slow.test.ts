/** knox's tokens at scale: a user with 100,000 of 1,000,000. What a request costs does not depend on them. */
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getPlatformProxy } from 'wrangler';
import { djangoDatetime } from '../../src/lib/django-datetime.ts';
import { knoxQueries } from '../../src/store/knox.ts';
import { staffListQueries } from '../../src/store/staff-list.ts';
import { createStore, type Store } from '../../src/store/store.ts';
import { storedToken } from '../../src/store/stored-token.ts';
import { tokenIdOf } from '../../src/store/tokens.ts';
import { costOf } from '../helpers/count-cost.ts';
import { insertUsers } from '../helpers/staff-lists.ts';
import { withoutLimits } from '../helpers/without-limits.ts';

const TOKENS = 1_000_000;
const TOKENS_OF_ONE = 100_000;
const USERS = 10_000;

/** Inserted by one statement. */
const CHUNK = 10_000;

/** A new row, and its entries in the primary key and three indexes. D1 counts a deleted row only once. */
const ROWS_OF_A_TOKEN = 5;

/** The user with many tokens: a fifth has expired, a fifth does not expire. */
const MANY = 1;
/** A user with as many, which all have expired. */
const EXPIRED = 3;

const PASSWORD = 'pbkdf2_sha256$1000$salt$hash';
const NOW = djangoDatetime(new Date());
const TOMORROW = djangoDatetime(new Date(Date.now() + 86_400_000));

let d1: D1Database;
let stop: () => Promise<void>;

const insertTokens = async (from: number, count: number, userOf: string, expiryOf: string) => {
  const insert = d1.prepare(
    `WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2 - 1)
     INSERT INTO knox_authtoken (digest, created, user_id, expiry, token_key)
     SELECT lower(hex(randomblob(64))), '2026-01-01 00:00:00', ${userOf}, ${expiryOf},
       substr(lower(hex(randomblob(8))), 1, 15) FROM n`,
  );
  for (let at = from; at < from + count; at += CHUNK) {
    await insert.bind(at, Math.min(at + CHUNK, from + count)).run();
  }
};

beforeAll(async () => {
  const configPath = withoutLimits(false);
  const { env, dispose } = await getPlatformProxy<Env>({ configPath, persist: false });
  stop = dispose;
  d1 = env.DB;
  const files = readMigrationFiles({ migrationsFolder: 'drizzle' });
  await d1.batch(files.flatMap(({ sql }) => sql).map((sql) => d1.prepare(sql)));
  await insertUsers(d1, USERS);
  await d1.exec('UPDATE auth_user SET is_active = 1 WHERE id IN (1, 3, 11)');
  const mixed = `CASE i % 5 WHEN 0 THEN '2020-01-01 00:00:00' WHEN 1 THEN NULL ELSE datetime('2099-01-01', i || ' seconds') END`;
  await insertTokens(0, TOKENS_OF_ONE, `${MANY}`, mixed);
  await insertTokens(0, TOKENS_OF_ONE, `${EXPIRED}`, `'2020-01-01 00:00:00'`);
  await insertTokens(0, TOKENS - 2 * TOKENS_OF_ONE, `10 + i % ${USERS - 10}`, mixed);
}, 600_000);
afterAll(() => stop());

const newToken = (expiry: string | null = TOMORROW) => ({
  key: crypto.randomUUID(),
  created: NOW,
  expiry,
});

const reads = { tokenReads: 'primary', tokenCacheSeconds: 0 } as const;
const storeOf = (d1: D1Database): Store => createStore(d1, reads, knoxQueries);

const logIn = (store: Store, userId: number, token = newToken(), limit?: number) =>
  store.storeLogin({ userId, password: PASSWORD, token, lastLogin: NOW, limit });

/** Stores a token of a user. */
async function withToken(userId: number, expiry: string | null = TOMORROW) {
  const token = newToken(expiry);
  expect(await logIn(storeOf(d1), userId, token)).toEqual(token);
  return token;
}

/** Runs queries and checks their costs. */
async function expectCost(
  run: (store: Store) => Promise<unknown>,
  most: { roundTrips: number; rowsRead: number; rowsWritten: number },
) {
  const cost = await costOf(d1, (counting) => run(storeOf(counting)));
  console.log(`${expect.getState().currentTestName}: ${JSON.stringify(cost)}`);
  expect(cost.roundTrips).toBe(most.roundTrips);
  expect(cost.rowsRead).toBeLessThanOrEqual(most.rowsRead);
  expect(cost.rowsWritten).toBeLessThanOrEqual(most.rowsWritten);
  expect(cost.ms).toBeLessThanOrEqual(50);
}

it('the database has a million tokens', async () => {
  const tokens = await d1.prepare('SELECT count(*) AS n FROM knox_authtoken').first<number>('n');
  expect(tokens).toBe(TOKENS);
});

describe.each([
  { user: 'a user with 100,000 tokens', id: MANY },
  { user: 'a user with 100,000 expired tokens', id: EXPIRED },
  { user: 'a user with 90 tokens', id: 11 },
])('$user', ({ id }) => {
  it('logs in', () =>
    expectCost(async (store) => expect(await logIn(store, id)).toMatchObject({ created: NOW }), {
      roundTrips: 1,
      rowsRead: 7,
      rowsWritten: ROWS_OF_A_TOKEN + 1,
    }));

  it.each([1, 10, 100])('logs in at a limit of %d', (limit) =>
    expectCost((store) => logIn(store, id, newToken(), limit), {
      roundTrips: 1,
      // The tokens up to the limit. It does not depend on what is beyond it, or on expired tokens.
      rowsRead: limit + 6,
      rowsWritten: ROWS_OF_A_TOKEN + 1,
    }),
  );

  it('uses a token', async () => {
    const { key } = await withToken(id);
    await expectCost(async (store) => expect(await store.findToken(key)).toBeDefined(), {
      roundTrips: 1,
      rowsRead: 2,
      rowsWritten: 0,
    });
  });

  it('renews a token', async () => {
    const { key } = await withToken(id);
    const later = djangoDatetime(new Date(Date.now() + 2 * 86_400_000));
    await expectCost((store) => store.renewToken(key, TOMORROW, later), {
      roundTrips: 1,
      rowsRead: 1,
      rowsWritten: 2,
    });
    expect((await storeOf(d1).findToken(key))?.token.expiry).toBe(later);
  });

  it('lists its tokens', () =>
    expectCost(
      async (store) => expect((await store.listTokens(id, NOW)).length).toBeLessThanOrEqual(100),
      // Up to 100 tokens of each kind.
      { roundTrips: 1, rowsRead: 202, rowsWritten: 0 },
    ));

  it('logs out', async () => {
    const { key } = await withToken(id);
    await expectCost((store) => store.deleteToken(key), {
      roundTrips: 1,
      rowsRead: 1,
      rowsWritten: 1,
    });
    expect(await storeOf(d1).findToken(key)).toBeUndefined();
  });

  it('deletes a token by its id', async () => {
    const { key } = await withToken(id);
    const tokenId = tokenIdOf(storedToken(key));
    await expectCost(async (store) => expect(await store.deleteTokenById(id, tokenId)).toBe(true), {
      roundTrips: 2,
      rowsRead: 3,
      rowsWritten: 1,
    });
    expect(await storeOf(d1).findToken(key)).toBeUndefined();
  });

  it('is shown to staff, and found for a link', async () => {
    await expectCost((store) => store.using(staffListQueries).findUser(id), {
      roundTrips: 1,
      rowsRead: 2,
      rowsWritten: 0,
    });
    await expectCost((store) => store.findUserById(id), {
      roundTrips: 1,
      rowsRead: 2,
      rowsWritten: 0,
    });
  });
});

it('removes expired tokens a few at a time, and loses no other', async () => {
  const before = await countTokens();
  const live = await countTokens(`WHERE expiry IS NULL OR expiry > '${NOW}'`);
  for (let i = 0; i < 5; i++) {
    const start = crypto.randomUUID().slice(0, 8);
    await expectCost((store) => store.deleteExpiredSample(start, NOW), {
      roundTrips: 1,
      rowsRead: 3 * 20,
      rowsWritten: 20,
    });
  }
  expect(await countTokens()).toBeLessThan(before);
  expect(await countTokens(`WHERE expiry IS NULL OR expiry > '${NOW}'`)).toBe(live);
});

const countTokens = async (where = '') =>
  (await d1.prepare(`SELECT count(*) AS n FROM knox_authtoken ${where}`).first<number>('n')) ?? 0;

/**
 * These cost what the logins that stored the tokens have cost, once. D1 ends a query after 30 seconds
 * (developers.cloudflare.com/d1/platform/limits).
 */
describe('all tokens of a user with 100,000 are deleted within one request', () => {
  const MAX_MS = 10_000;

  const expectAllDeleted = async (id: number, run: (store: Store) => Promise<unknown>) => {
    const tokens = await countTokens(`WHERE user_id = ${id}`);
    const all = await countTokens();
    expect(tokens).toBeGreaterThan(0.9 * TOKENS_OF_ONE);
    const cost = await costOf(d1, (counting) => run(storeOf(counting)));
    console.log(`${expect.getState().currentTestName}: ${JSON.stringify({ tokens, ...cost })}`);
    expect(await countTokens()).toBe(all - tokens);
    expect(await countTokens(`WHERE user_id = ${id}`)).toBe(0);
    expect(cost.roundTrips).toBe(1);
    expect(cost.rowsRead).toBeLessThanOrEqual(2 * tokens + 10);
    expect(cost.rowsWritten).toBeLessThanOrEqual(tokens + 10);
    expect(cost.ms).toBeLessThanOrEqual(MAX_MS);
  };

  it('by a logout everywhere', () => expectAllDeleted(MANY, (store) => store.deleteTokens(MANY)));

  it('by a new password', () =>
    expectAllDeleted(EXPIRED, async (store) => {
      const isSet = await store.replacePasswordAndDeleteToken(EXPIRED, PASSWORD, 'another');
      expect(isSet).toBe(true);
    }));
});
