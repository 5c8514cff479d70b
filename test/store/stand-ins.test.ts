/** Stand-ins for unknown names, with different ranges of ids. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { drawStandIn } from '../../src/auth/stand-in.ts';
import { createStore } from '../../src/store/store.ts';
import { interceptD1, watchD1 } from '../helpers/intercept-d1.ts';

/** Sends all look-ups of a moment in one batch, because a thousand round trips take a second. */
function inOneBatch(d1: D1Database): D1Database {
  let batch: { statements: D1PreparedStatement[]; results: Promise<D1Result[]> } | undefined;
  return interceptD1(d1, {
    async around({ statements: [statement] }) {
      if (!statement) throw new Error('A look-up is one statement.');
      const statements: D1PreparedStatement[] = batch?.statements ?? [];
      const at = statements.push(statement) - 1;
      batch ??= { statements, results: Promise.resolve().then(send) };
      const results = await batch.results;
      return results[at]?.results[0] ?? null;

      function send() {
        batch = undefined;
        return d1.batch(statements);
      }
    },
  });
}

const store = createStore(inOneBatch(env.DB));

/** Inserts users whose password is their id. */
async function insertUsers(ids: number[]): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO auth_user (id, password, is_superuser, username, last_name, email, is_staff,
       is_active, date_joined, first_name)
     SELECT value, value, 0, 'user' || value, '', '', 0, 1, '2024-03-18 02:30:00', ''
       FROM json_each(?)`,
  )
    .bind(JSON.stringify(ids))
    .run();
}

const from = (first: number, length: number) => Array.from({ length }, (_, i) => first + i);

/** The id of the user who stands in for a name; undefined if there is none. */
async function standInOf(name: string): Promise<number | undefined> {
  const { user, encoded } = await store.findUserOrStandIn(
    name,
    DRAWS.get(name) ?? drawStandIn(name, 'key'),
  );
  expect(user).toBeUndefined();
  return encoded === undefined ? undefined : Number(encoded);
}

const NAMES = Array.from({ length: 1000 }, (_, i) => `unknown ${i}`);

/** Drawn once, because the tests use the same names. */
const DRAWS = new Map(NAMES.map((name) => [name, drawStandIn(name, 'key')]));

const standIns = () => Promise.all(NAMES.map(standInOf));

/** The number of names for which each of these ids is the stand-in. */
async function counts(ids: number[]): Promise<number[]> {
  const drawn = await standIns();
  for (const id of drawn) expect(ids).toContain(id);
  return ids.map((id) => drawn.filter((each) => each === id).length);
}

beforeEach(async () => {
  await env.DB.exec('DELETE FROM authtoken_token; DELETE FROM auth_user');
});

it('finds no stand-in in an empty database', async () => {
  expect(await standInOf('unknown')).toBeUndefined();
});

// 1,000 names: 100 each, with a standard deviation of 9.5. The names are always the same.
describe.each([
  { name: 'ids from 1', ids: from(1, 10) },
  { name: 'ids from a million', ids: from(1_000_000, 10) },
  { name: 'the last ids of AutoField', ids: from(2 ** 31 - 10, 10) },
  { name: 'the last ids of 2^52', ids: from(2 ** 52 - 10, 10) },
  { name: 'a gap of half of the ids', ids: [...from(1, 5), ...from(16, 5)] },
  { name: 'every second id', ids: from(1, 10).map((i) => 2 * i) },
])('with $name', ({ ids }) => {
  it('draws all users about equally often', async () => {
    await insertUsers(ids);
    for (const count of await counts(ids)) expect(Math.abs(count - 100)).toBeLessThan(3 * 9.5);
  });
});

it('draws the only user for every name', async () => {
  await insertUsers([7]);
  expect(await counts([7])).toEqual([1000]);
});

it('finds a stand-in for every name despite large gaps', async () => {
  const ids = [1, 1_000_000, 2 ** 31 - 1, 2 ** 52];
  await insertUsers(ids);
  await counts(ids);
});

it('moves names only to a new user, and back if that user is deleted', async () => {
  await insertUsers(from(1, 50));
  const before = await standIns();
  await insertUsers([51]);
  const after = await standIns();
  const moved = after.filter((id, i) => id !== before[i]);
  // One in 51 of 1,000: 19.6, with a standard deviation of 4.4.
  expect(moved.length).toBeGreaterThan(0);
  expect(moved.length).toBeLessThan(19.6 + 3 * 4.4);
  expect(new Set(moved)).toEqual(new Set([51]));
  await env.DB.exec('DELETE FROM auth_user WHERE id = 51');
  expect(await standIns()).toEqual(before);
});

it('moves only the names of a deleted user', async () => {
  await insertUsers(from(1, 50));
  const before = await standIns();
  await env.DB.exec('DELETE FROM auth_user WHERE id = 20');
  const after = await standIns();
  const movedFrom = before.filter((id, i) => id !== after[i]);
  expect(new Set(movedFrom)).toEqual(new Set([20]));
  expect(after).not.toContain(20);
});

describe('a lookup', () => {
  /** The rows that D1 reads for the lookup of a name. */
  async function rowsRead(name: string): Promise<number> {
    const draws = drawStandIn(name, 'key');
    const { bindings, roundTrips } = watchD1();
    await createStore(bindings.DB).findUserOrStandIn(name, draws);
    expect(roundTrips).toHaveLength(1);
    const [sql = ''] = roundTrips[0]?.sql ?? [];
    const { meta } = await env.DB.prepare(sql).bind(name, JSON.stringify(draws)).all();
    return meta.rows_read;
  }

  it('reads only the user and its token for a known name, and no stand-in', async () => {
    await insertUsers(from(1, 1000));
    expect(await rowsRead('user500')).toBe(1);
    const insertToken = env.DB.prepare('INSERT INTO authtoken_token VALUES (?, ?, ?)');
    await insertToken.bind('abc', '2024-03-18 02:30:00', 500).run();
    expect(await rowsRead('user500')).toBe(2);
  });

  it('reads a few rows for an unknown name, regardless of the number of users', async () => {
    await insertUsers(from(1, 10_000));
    const reads = await Promise.all(NAMES.slice(0, 50).map(rowsRead));
    // The lowest and the highest id, the user, a draw and its places: about ln(2^31) = 21.
    expect(Math.max(...reads)).toBeLessThan(60);
  });
});
