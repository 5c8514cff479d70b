/** The lists of the staff page in a database with many users, and what each costs. */
import { PAGE_LENGTH, staffListQueries, type UserFilter } from '../../src/store/staff-list.ts';
import { type Cost, countCost } from './count-cost.ts';

/** Inserted by one statement, which must end within the limits of D1. */
const CHUNK = 100_000;

/**
 * Inserts users. One of 1,000 is staff and one of 100,000 a superuser. A fifth is inactive, and half of
 * those never logged in. One of twenty has no usable password. All usernames start with `learner`, and a tenth of
 * the addresses are equal.
 */
export async function insertUsers(d1: D1Database, users: number): Promise<void> {
  const insert = d1.prepare(
    `WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2 - 1)
     INSERT INTO auth_user (password, last_login, is_superuser, username, last_name, email, is_staff,
       is_active, date_joined, first_name)
     SELECT iif(i % 20 = 3, '!unusable', 'pbkdf2_sha256$1000$salt$hash'),
       iif(i % 10 = 0, NULL, '2026-01-01 00:00:00'), i % 100000 = 7,
       printf('learner%09d', (i * 7919) % 999999937), 'L', iif(i % 10 = 1, 'Class@example.com', printf('mail%d@example.com', i)),
       i % 1000 = 7, i % 5 <> 0, '2026-01-01 00:00:00', 'F' FROM n`,
  );
  for (let from = 0; from < users; from += CHUNK) {
    await insert.bind(from, Math.min(from + CHUNK, users)).run();
  }
}

const FILTERS: (UserFilter | undefined)[] = [
  undefined,
  'active',
  'inactive',
  'staff',
  'superuser',
  'unusable_password',
  'unverified',
];

/** Searches: of many users, of one, of one address that many have, of no user. */
const SEARCHES = [
  { by: 'username', search: '' },
  { by: 'username', search: 'learner' },
  { by: 'username', search: 'learner000007919' },
  { by: 'username', search: 'nobody' },
  { by: 'email', search: 'mail' },
  { by: 'email', search: 'CLASS@example.com' },
  { by: 'email', search: 'mail5@' },
  { by: 'email', search: 'nobody' },
] as const;

export const LISTS = SEARCHES.flatMap((search) =>
  FILTERS.map((filter) => ({
    ...search,
    filter,
    name: `${search.by} "${search.search}" ${filter ?? 'all'}`,
  })),
);

/**
 * Reads the first pages of a list.
 *
 * @returns the cost of each page, and the users found
 */
export async function readList(d1: D1Database, list: (typeof LISTS)[number], pages: number) {
  const costs: Cost[] = [];
  const ids: number[] = [];
  for (let after: string | undefined, page = 0; page < pages; page++) {
    const cost = { roundTrips: 0, rowsRead: 0, rowsWritten: 0, ms: 0 };
    const { users, next } = await staffListQueries(countCost(d1, cost)).listUsers({
      ...list,
      after,
    });
    if (users.length > PAGE_LENGTH) throw new Error('The page is too long.');
    ids.push(...users.map(({ id }) => id));
    costs.push(cost);
    after = next;
    if (after === undefined) break;
  }
  return { costs, ids };
}
