/** D1 round trips and rows read by each route. No statement is prepared twice. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import app from '../../src/index.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { storedToken } from '../../src/store/stored-token.ts';
import { tokenIdOf } from '../../src/store/tokens.ts';
import { getAs, newName, post, register, sendAs, unthrottled } from '../helpers/client.ts';
import { type Cost, countCost } from '../helpers/count-cost.ts';
import { interceptD1, watchD1 } from '../helpers/intercept-d1.ts';
import { interceptObjects } from '../helpers/intercept-objects.ts';
import { linkFor, withMailbox } from '../helpers/mailbox.ts';

it('registers in one round trip: one batch of two inserts', async () => {
  const { bindings, roundTrips } = watchD1();
  await register(newName(), 'pw', bindings);
  expect(roundTrips).toHaveLength(1);
  expect(roundTrips[0]?.sql).toEqual([
    expect.stringMatching(/^insert into "auth_user"/),
    expect.stringMatching(/^insert into "authtoken_token"/),
  ]);
});

const Written = v.array(v.object({ meta: v.object({ rows_written: v.number() }) }));

/** Bindings with a database that records the rows that each statement writes. */
function recordWrites(bindings: Bindings) {
  const written: number[] = [];
  const DB = interceptD1(env.DB, {
    async around({ run, sql }) {
      const results = await run();
      if (sql.length > 1 || sql[0]?.startsWith('insert')) {
        written.push(...v.parse(Written, results).map(({ meta }) => meta.rows_written));
      }
      return results;
    },
  });
  return { bindings: { ...bindings, DB }, written };
}

it('writes 7 rows for a registration, as `npm run deploy` says', async () => {
  const { bindings, written } = recordWrites(unthrottled);
  await register(newName(), 'pw', bindings);
  // The user with its two indexes and its number, the token with its two. No list for staff has the user.
  expect(written).toEqual([4, 3]);
});

it('writes two more rows for a registration that must be verified, and one row for the activation', async () => {
  const { bindings } = withMailbox({ EMAIL_VERIFICATION: 'required' });
  const username = newName();
  const registration = recordWrites(bindings);
  const body = { username, password: 'pw', email: `${username}@example.com` };
  expect((await post('/register', body, registration.bindings)).status).toBe(201);
  // Two lists for staff have the user: inactive, and waiting for activation. There is no token.
  expect(registration.written).toEqual([4 + 2]);
  // The user leaves both lists. D1 does not count this.
  const activation = recordWrites(bindings);
  const link = await linkFor(username, { purpose: 'activation' });
  expect((await post('/users/activation', link, activation.bindings)).status).toBe(204);
  expect(activation.written).toEqual([1, 0]);
});

it('refuses a taken name in one round trip', async () => {
  const username = newName();
  await register(username);
  const { bindings, roundTrips } = watchD1();
  expect((await post('/register', { username, password: 'pw' }, bindings)).status).toBe(400);
  expect(roundTrips).toHaveLength(1);
});

it('logs in in one round trip', async () => {
  const username = newName();
  await register(username, 'pw');
  const { bindings, roundTrips } = watchD1();
  const response = await post('/login', { username, password: 'pw' }, bindings);
  expect(response.status).toBe(200);
  expect(roundTrips).toHaveLength(1);
});

it('counts a login by one call before the response and one after it, without a further D1 query', async () => {
  const username = newName();
  await register(username, 'pw');
  const { bindings: watched, roundTrips } = watchD1();
  const calls: string[] = [];
  const RATE_LIMIT_COUNTER = interceptObjects(env.RATE_LIMIT_COUNTER, (run, method) => {
    calls.push(method);
    return run();
  });
  const ctx = createExecutionContext();
  const request = new Request('http://localhost:8000/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, password: 'pw' }),
  });
  const response = await app.fetch(request, { ...watched, RATE_LIMIT_COUNTER }, ctx);
  expect(response.status).toBe(200);
  expect(calls).toEqual(['beginAttempt']);
  await waitOnExecutionContext(ctx);
  expect(calls).toEqual(['beginAttempt', 'forgetFailures']);
  expect(roundTrips).toHaveLength(1);
});

it('logs in in two round trips if the user has no token yet', async () => {
  const username = newName();
  const token = await register(username, 'pw');
  await env.DB.prepare('DELETE FROM authtoken_token WHERE key = ?').bind(token).run();
  const { bindings, roundTrips } = watchD1();
  const response = await post('/login', { username, password: 'pw' }, bindings);
  expect(response.status).toBe(200);
  expect(roundTrips).toHaveLength(2);
});

it('authenticates a request in one round trip that reads two rows', async () => {
  for (let i = 0; i < 20; i++) await register(newName());
  const token = await register(newName());
  const { bindings, roundTrips } = watchD1();
  await getAs(token, '/me', bindings);
  expect(roundTrips).toHaveLength(1);
  const [sql = ''] = roundTrips[0]?.sql ?? [];
  const { meta } = await env.DB.prepare(sql).bind(token).all();
  expect(meta.rows_read).toBe(2);
});

it('makes no D1 query for a malformed Authorization header', async () => {
  const { bindings, roundTrips } = watchD1();
  const response = await getAs('a b', '/me', bindings);
  expect(response.status).toBe(401);
  expect(roundTrips).toHaveLength(0);
});

it('prepares its statements once for all requests of an isolate', async () => {
  const { bindings, prepared } = watchD1();
  const token = await register(newName(), 'pw', bindings);
  const afterFirst = prepared.length;
  for (let i = 0; i < 5; i++) {
    await register(newName(), 'pw', bindings);
    await getAs(token, '/me', bindings);
    await post('/login', { username: newName(), password: 'pw' }, bindings);
  }
  expect(prepared).toHaveLength(afterFirst);
  expect(new Set(prepared).size).toBe(prepared.length);
});

/** Inserts users with an address. The last one is active. */
const insertUsersOf = (email: string, username: string, others: number, areActive: 0 | 1) =>
  env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?3)
     INSERT INTO auth_user (password, is_superuser, username, last_name, email, is_staff,
       is_active, date_joined, first_name)
     SELECT 'x', 0, iif(i = ?3, ?2, ?1 || i), '', ?1, 0, i = ?3 OR ?4, '2026-01-01 00:00:00', ''
       FROM n`,
  )
    .bind(email, username, others, areActive)
    .run();

it('logs in over djoser’s route in two round trips: the user, and its token with the last login', async () => {
  const username = newName();
  await register(username, 'pw');
  const { bindings, roundTrips } = watchD1();
  const response = await post('/token/login', { username, password: 'pw' }, bindings);
  expect(response.status).toBe(200);
  expect(roundTrips).toHaveLength(2);
});

describe('a list of users', () => {
  it('is one query that reads 101 users, however many there are', async () => {
    const username = newName();
    const token = await register(username);
    await env.DB.prepare('UPDATE auth_user SET is_staff = 1 WHERE username = ?')
      .bind(username)
      .run();
    await insertUsersOf(`${newName()}@example.com`, newName(), 1000, 1);
    const { bindings, roundTrips } = watchD1();
    expect((await getAs(token, '/users', bindings)).status).toBe(200);
    // The lookup of the token comes first.
    expect(roundTrips).toHaveLength(2);
    const list = env.DB.prepare(roundTrips[1]?.sql.join() ?? '');
    for (const before of [Number.MAX_SAFE_INTEGER, 500]) {
      const { meta } = await list.bind(before, 101).all();
      expect(meta.rows_read).toBe(101);
    }
  });
});

describe('a login by address', () => {
  async function rowsRead(email: string, username: string): Promise<number> {
    const { bindings, roundTrips } = watchD1();
    const body = { email, username, password: 'pw' };
    expect((await post('/dj-rest-auth/login', body, bindings)).status).toBe(400);
    expect(roundTrips).toHaveLength(1);
    const { meta } = await env.DB.prepare(roundTrips[0]?.sql.join() ?? '')
      .bind(username, '[[0]]', email)
      .all();
    return meta.rows_read;
  }

  // The index and the row of each of them, and the row of the one that is chosen.
  it('is one round trip, and reads at most ten of the users with the address', async () => {
    const [email, alone] = [`${newName()}@example.com`, `${newName()}@example.com`];
    await insertUsersOf(email, newName(), 1000, 0);
    await insertUsersOf(alone, newName(), 0, 0);
    // The index is read up to the next address.
    expect(await rowsRead(alone, '')).toBeLessThanOrEqual(4);
    expect(await rowsRead(email, '')).toBeLessThanOrEqual(22);
    expect(await rowsRead(email, newName())).toBeLessThanOrEqual(22);
  });
});

describe('a request for a link', () => {
  /**
   * The rows that D1 reads for the request. `others` accounts have the address besides the last
   * one, which is active.
   */
  async function rowsRead(others: number, areActive: 0 | 1, isNamed: boolean): Promise<number> {
    const email = `${newName()}@example.com`;
    const username = `${email}-last`;
    await insertUsersOf(email, username, others, areActive);
    const { bindings: watched, roundTrips } = watchD1();
    const { bindings, mails } = withMailbox({ DB: watched.DB });
    const body = { email, ...(isNamed && { username }) };
    await post('/users/reset_password', body, bindings);
    expect(mails).toHaveLength(1);
    expect(roundTrips).toHaveLength(1);
    const values = isNamed ? [username, email, 1] : [email, 1, 11];
    const { meta } = await env.DB.prepare(roundTrips[0]?.sql.join() ?? '')
      .bind(...values)
      .all();
    return meta.rows_read;
  }

  it('reads one row if it has a username, regardless of other accounts with the address', async () => {
    expect(await rowsRead(0, 1, true)).toBe(1);
    expect(await rowsRead(1000, 1, true)).toBe(1);
    expect(await rowsRead(1000, 0, true)).toBe(1);
  });

  it('reads at most eleven accounts that get a link', async () => {
    expect(await rowsRead(1000, 1, false)).toBe(11);
  });

  it('reads one row for each account that gets no link', async () => {
    // The index is read up to the next address.
    expect(await rowsRead(1000, 0, false)).toBeLessThanOrEqual(1002);
  });
});

describe('with TOKEN_MODEL = "knox.AuthToken"', () => {
  /** Bindings with a database that adds the cost of each query. */
  function counting(vars: Partial<Bindings> = {}) {
    const cost: Cost = { roundTrips: 0, rowsRead: 0, rowsWritten: 0, ms: 0 };
    const bindings: Bindings = {
      ...unthrottled,
      TOKEN_MODEL: 'knox.AuthToken',
      DB: countCost(env.DB, cost),
      ...vars,
    };
    return { bindings, cost };
  }

  /** The cost of a request that succeeds. */
  async function costOf(
    request: (bindings: Bindings) => Promise<Response>,
    vars: Partial<Bindings> = {},
  ) {
    const { bindings, cost } = counting(vars);
    expect((await request(bindings)).ok).toBe(true);
    const { ms: _, ...rows } = cost;
    return rows;
  }

  const knox: Bindings = { ...unthrottled, TOKEN_MODEL: 'knox.AuthToken' };

  it('authenticates a request in one round trip that reads two rows and writes none', async () => {
    for (let i = 0; i < 20; i++) await register(newName(), 'pw', knox);
    const token = await register(newName(), 'pw', knox);
    const cost = await costOf((bindings) => getAs(token, '/me', bindings));
    expect(cost).toEqual({ roundTrips: 1, rowsRead: 2, rowsWritten: 0 });
  });

  it('authenticates a request with a token of DRF in the same round trip', async () => {
    const token = await register(newName());
    const cost = await costOf((bindings) => getAs(token, '/me', bindings));
    expect(cost).toEqual({ roundTrips: 1, rowsRead: 2, rowsWritten: 0 });
  });

  it('refuses an unknown token in one round trip that reads no row', async () => {
    const { bindings, cost } = counting();
    expect((await getAs('f'.repeat(64), '/me', bindings)).status).toBe(401);
    expect(cost).toMatchObject({ roundTrips: 1, rowsRead: 0, rowsWritten: 0 });
  });

  it('registers in one round trip', async () => {
    const username = newName();
    const cost = await costOf((bindings) =>
      post('/register', { username, password: 'pw' }, bindings),
    );
    // The user with its two indexes and its number, the token with its four.
    expect(cost).toMatchObject({ roundTrips: 1, rowsWritten: 4 + 5 });
  });

  it.each([{}, { TOKEN_LIMIT_PER_USER: '1000' }])(
    'logs in in two round trips, and looks for expired tokens in a third: %j',
    async (vars) => {
      const username = newName();
      await register(username, 'pw', knox);
      await env.DB.exec("DELETE FROM knox_authtoken WHERE expiry < datetime('now')");
      const cost = await costOf(
        (bindings) => post('/login', { username, password: 'pw' }, bindings),
        vars,
      );
      expect(cost).toMatchObject({ roundTrips: 3, rowsWritten: 5 });
      // 20 tokens of the sample and their entries in the index. The user, its token and the limit.
      expect(cost.rowsRead).toBeLessThanOrEqual(2 * 20 + 10);
    },
  );

  it('renews a token at most once in its interval, after the response', async () => {
    const token = await register(newName(), 'pw', knox);
    await env.DB.prepare(
      "UPDATE knox_authtoken SET expiry = datetime('now', '1 hour') WHERE token_key = ?",
    )
      .bind(token.slice(0, 15))
      .run();
    const { bindings, cost } = counting({ AUTO_REFRESH: 'true', MIN_REFRESH_INTERVAL: '60' });
    const ctx = createExecutionContext();
    const headers = { Authorization: `Token ${token}` };
    const request = new Request('http://localhost:8000/me', { headers });
    expect((await app.fetch(request, bindings, ctx)).status).toBe(200);
    expect(cost).toMatchObject({ roundTrips: 1, rowsWritten: 0 });
    await waitOnExecutionContext(ctx);
    // The row and its entry in the index of the expiry.
    expect(cost).toMatchObject({ roundTrips: 2, rowsWritten: 2 });
    for (let i = 0; i < 5; i++) await getAs(token, '/me', bindings);
    expect(cost).toMatchObject({ roundTrips: 2 + 5, rowsWritten: 2 });
  });

  /** More tokens than a list has. */
  const MORE = 300;

  it.each([
    { route: 'POST /logout', roundTrips: 1, rowsRead: 1, rowsWritten: 1 },
    { route: 'DELETE /tokens/:id', roundTrips: 2, rowsRead: 3, rowsWritten: 1 },
    { route: 'GET /tokens', roundTrips: 1, rowsRead: 202, rowsWritten: 0 },
    { route: 'POST /logoutall', roundTrips: 1, rowsRead: 2 * (MORE + 1), rowsWritten: MORE + 1 },
  ])(
    '$route of a user with 300 other tokens reads at most $rowsRead rows and writes $rowsWritten, after the check of the token',
    async ({ route, roundTrips, rowsRead, rowsWritten }) => {
      const username = newName();
      const token = await register(username, 'pw', knox);
      await env.DB.prepare(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
         INSERT INTO knox_authtoken (digest, created, user_id, expiry, token_key)
         SELECT lower(hex(randomblob(64))), '2026-01-01 00:00:00', id,
           iif(i % 2, NULL, '2099-01-01 00:00:00'), 'aaaaaaaaaaaaaaa' FROM n, auth_user WHERE username = ?1`,
      )
        .bind(username, MORE)
        .run();
      const [method = '', path = ''] = route.split(' ');
      const actual = path.replace(':id', tokenIdOf(storedToken(token)));
      const cost = await costOf((bindings) => sendAs(token, method, actual, undefined, bindings));
      expect(cost).toMatchObject({ roundTrips: 1 + roundTrips, rowsWritten });
      expect(cost.rowsRead).toBeLessThanOrEqual(2 + rowsRead + 2);
    },
  );
});
