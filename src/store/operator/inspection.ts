/** What `doctor` asks: counts over the whole database. Reads only. */
import { not, notInArray } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { authtokenToken, authUser } from '../schema.ts';

/** Of hashes alike in algorithm and work factor: how many, and one of them to look at. */
type PasswordGroup = { users: number; sample: string };

/**
 * A condition on `key`: no `Authorization` header can carry it. DRF takes no empty token and none
 * with white space (rest_framework/authentication.py, `TokenAuthentication.authenticate`).
 */
export const UNSENDABLE_KEY = `(key = '' OR key GLOB '*[' || char(9, 10, 11, 12, 13, 32) || ']*')`;

/** A user that a finding names. */
export type InspectedUser = { id: number; username: string };

/**
 * By algorithm, PBKDF2 by iterations too. Without a dollar there is no algorithm, except where it
 * is the 32 digits of an unsalted MD5.
 */
const PASSWORD_GROUPS = `
  WITH password AS (
    SELECT password, substr(password, 1, instr(password, '$') - 1) AS algorithm,
      substr(password, instr(password, '$') + 1) AS rest
    FROM auth_user)
  SELECT count(*) AS users, min(password) AS sample FROM password
  GROUP BY CASE WHEN password LIKE '!%' THEN '!'
    WHEN algorithm LIKE 'pbkdf2%' THEN algorithm || '$' || substr(rest, 1, instr(rest, '$') - 1)
    WHEN algorithm <> '' THEN algorithm
    ELSE length(password) = 32 AND password NOT GLOB '*[^0-9a-f]*' END
  ORDER BY users DESC`;

const NAMES = 'SELECT id, username FROM auth_user WHERE id > ?';

export function inspectionQueries(d1: D1Database) {
  const db = drizzle(d1);

  /** In the order of ids. */
  const users = async <T>(sql: string, afterId: number, limit: number): Promise<T[]> =>
    (await d1.prepare(`${sql} ORDER BY id LIMIT ?`).bind(afterId, limit).all<T>()).results;

  return {
    countUsers: () => db.$count(authUser),
    countInactive: () => db.$count(authUser, not(authUser.is_active)),
    countTokens: () => db.$count(authtokenToken),

    countUsersWithoutToken: () =>
      db.$count(
        authUser,
        notInArray(authUser.id, db.select({ id: authtokenToken.user_id }).from(authtokenToken)),
      ),

    countTokensWithoutUser: () =>
      db.$count(
        authtokenToken,
        notInArray(authtokenToken.user_id, db.select({ id: authUser.id }).from(authUser)),
      ),

    async passwordGroups(): Promise<PasswordGroup[]> {
      return (await d1.prepare(PASSWORD_GROUPS).all<PasswordGroup>()).results;
    },

    /** Names with a character beyond ASCII, the only ones that NFKC can change. */
    pageOfNonAsciiNames: (afterId: number, limit: number) =>
      users<InspectedUser>(`${NAMES} AND username GLOB '*[^ -~]*'`, afterId, limit),

    pageOfBlankNames: (afterId: number, limit: number) =>
      users<InspectedUser>(`${NAMES} AND username = ''`, afterId, limit),

    /** Passwords that are not plainly PBKDF2's or unusable. */
    pageOfOddPasswords: (afterId: number, limit: number) =>
      users<InspectedUser & { password: string }>(
        `SELECT id, username, password FROM auth_user WHERE id > ?
         AND password NOT GLOB '!*' AND password NOT GLOB 'pbkdf2_sha*$[0-9]*$?*$?*'`,
        afterId,
        limit,
      ),

    /** Users whose token no request can send. */
    pageOfUnsendableKeys: (afterId: number, limit: number) =>
      users<InspectedUser>(
        `SELECT id, username FROM authtoken_token JOIN auth_user ON id = user_id
         WHERE id > ? AND ${UNSENDABLE_KEY}`,
        afterId,
        limit,
      ),

    /** Names of the migrations applied; none where wrangler has applied none. */
    async appliedMigrations(): Promise<string[]> {
      const table = d1.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'd1_migrations'`);
      if ((await table.first()) === null) return [];
      const { results } = await d1
        .prepare('SELECT name FROM d1_migrations')
        .all<{ name: string }>();
      return results.map(({ name }) => name);
    },
  };
}
