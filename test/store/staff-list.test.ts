/** The lists for staff: bounded rows, whatever is searched. The slow test has the same with more users. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { SCAN_LENGTH } from '../../src/store/staff-list.ts';
import { insertUsers, LISTS, readList } from '../helpers/staff-lists.ts';

const USERS = 20_000;

/**
 * Rows of one page: each user that is looked at, in an index, in the table and in the inner query; and those to
 * find the start of the next page.
 */
const MAX_ROWS = SCAN_LENGTH * 6;

beforeAll(() => insertUsers(env.DB, USERS));

describe.each(LISTS)('$name', (list) => {
  it('reads a bounded number of rows for each page', async () => {
    const { costs } = await readList(env.DB, list, 3);
    for (const { roundTrips, rowsRead } of costs) {
      expect(roundTrips).toBeLessThanOrEqual(2);
      expect(rowsRead).toBeLessThanOrEqual(MAX_ROWS);
    }
  });
});

it('a list without a search reads only the users of the page', async () => {
  const lists = LISTS.filter(({ search, filter }) => search === '' && filter !== 'unverified');
  for (const list of lists) {
    const { costs } = await readList(env.DB, list, 1);
    // An active user is one of five, and each user is a row of the index and one of the table.
    expect(costs[0]?.rowsRead).toBeLessThanOrEqual(2 * 51);
  }
});

it('each list has all of its users, each once', async () => {
  for (const list of LISTS) {
    const { ids } = await readList(env.DB, list, Number.POSITIVE_INFINITY);
    expect(new Set(ids).size).toBe(ids.length);
    const conditions = {
      active: 'is_active',
      inactive: 'NOT is_active',
      staff: 'is_staff',
      superuser: 'is_superuser',
      unusable_password: `password LIKE '!%'`,
      unverified: 'NOT is_active AND last_login IS NULL',
    };
    const rows = await env.DB.prepare(
      `SELECT count(*) FROM auth_user WHERE ${list.by} LIKE ? AND ${list.filter ? conditions[list.filter] : 'true'}`,
    )
      .bind(`${list.search}%`)
      .first<number>('count(*)');
    expect({ list: list.name, users: ids.length }).toEqual({ list: list.name, users: rows });
  }
});
