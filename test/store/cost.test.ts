/** What each route costs in D1 round trips and rows read, and that nothing is prepared twice. */
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { getAs, newName, post, register, unthrottled } from '../client.ts';
import { interceptD1, type RoundTrip } from '../intercept-d1.ts';

/** This Worker's bindings, with D1 watched. */
function watched() {
  const roundTrips: RoundTrip[] = [];
  const prepared: string[] = [];
  const DB = interceptD1(env.DB, {
    onPrepare: (sql) => prepared.push(sql),
    around: (roundTrip) => {
      roundTrips.push(roundTrip);
      return roundTrip.run();
    },
  });
  return { bindings: { ...unthrottled, DB }, roundTrips, prepared };
}

it('registers in one round trip: one batch of two inserts', async () => {
  const { bindings, roundTrips } = watched();
  await register(newName(), 'pw', bindings);
  expect(roundTrips).toHaveLength(1);
  expect(roundTrips[0]?.sql).toEqual([
    expect.stringMatching(/^insert into "auth_user"/),
    expect.stringMatching(/^insert into "authtoken_token"/),
  ]);
});

it('logs in in one round trip', async () => {
  const username = newName();
  await register(username, 'pw');
  const { bindings, roundTrips } = watched();
  const response = await post('/login', { username, password: 'pw' }, bindings);
  expect(response.status).toBe(200);
  expect(roundTrips).toHaveLength(1);
});

it('logs in in two round trips where the user has no token yet', async () => {
  const username = newName();
  const token = await register(username, 'pw');
  await env.DB.prepare('DELETE FROM authtoken_token WHERE key = ?').bind(token).run();
  const { bindings, roundTrips } = watched();
  const response = await post('/login', { username, password: 'pw' }, bindings);
  expect(response.status).toBe(200);
  expect(roundTrips).toHaveLength(2);
});

it('authenticates a request in one round trip that reads two rows', async () => {
  for (let i = 0; i < 20; i++) await register(newName());
  const token = await register(newName());
  const { bindings, roundTrips } = watched();
  await getAs(token, '/me', bindings);
  expect(roundTrips).toHaveLength(1);
  const [sql = ''] = roundTrips[0]?.sql ?? [];
  const { meta } = await env.DB.prepare(sql).bind(token).all();
  expect(meta.rows_read).toBe(2);
});

it('asks D1 nothing for a malformed Authorization header', async () => {
  const { bindings, roundTrips } = watched();
  const response = await getAs('a b', '/me', bindings);
  expect(response.status).toBe(401);
  expect(roundTrips).toHaveLength(0);
});

it('prepares its statements once for all requests of an isolate', async () => {
  const { bindings, prepared } = watched();
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
