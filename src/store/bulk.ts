/**
 * Whole tables at a time: what import and export need. Accounts travel as JSON text, read in the
 * database by `json_each(?)`, for D1 allows 100 bound parameters a query. The SQL is written out:
 * Drizzle has no `json_each`.
 *
 * An account is a user and its token, if it has one, as one JSON array: the columns of `auth_user` in
 * `USER_COLUMNS`' order, then the token's key and its `created`, or two nulls.
 */
import { getTableColumns } from 'drizzle-orm';
import { authUser } from './schema.ts';

/** The columns of `auth_user`, `id` first. */
export const USER_COLUMNS = Object.keys(getTableColumns(authUser));

/** The places of a token's columns in an account, after the user's. */
const KEY = USER_COLUMNS.length;
const CREATED = KEY + 1;

/**
 * What one statement may be given: D1 takes strings of up to 2,000,000 bytes
 * (developers.cloudflare.com/d1/platform/limits), and half of that leaves room for any character.
 */
export const MAX_CHUNK_LENGTH = 500_000;

/**
 * What the database has where an account is to go:
 * - `same` this very account (its token only looked at where the account brings one)
 * - `differs` the user of that id and username, with other values or another token
 * - `id-taken` a user of that id with another username
 * - `username-taken` a user of that username with another id
 * - `token-taken` the token, as another user's
 */
export type Standing = 'same' | 'differs' | 'id-taken' | 'username-taken' | 'token-taken';

const column = (index: number) => `value ->> ${index}`;
const others = USER_COLUMNS.filter((name) => name !== 'id');
const indexOf = (name: string) => USER_COLUMNS.indexOf(name);

const ACCOUNT = `
  SELECT ${USER_COLUMNS.map((name, index) => `${column(index)} AS "${name}"`).join(', ')},
    ${column(KEY)} AS "key", ${column(CREATED)} AS "created"
  FROM json_each(?)`;

const CLASSIFY = `
  WITH account AS MATERIALIZED (${ACCOUNT})
  SELECT account.id, CASE
    WHEN by_id.username <> account.username THEN 'id-taken'
    WHEN by_name.id <> account.id THEN 'username-taken'
    WHEN by_key.user_id <> account.id THEN 'token-taken'
    WHEN ${others.map((name) => `by_id."${name}" IS account."${name}"`).join(' AND ')}
      AND (account.key IS NULL OR (own.key IS account.key AND own.created IS account.created))
      THEN 'same'
    ELSE 'differs'
  END AS standing
  FROM account
  LEFT JOIN auth_user AS by_id ON by_id.id = account.id
  LEFT JOIN auth_user AS by_name ON by_name.username = account.username
  LEFT JOIN authtoken_token AS by_key ON by_key.key = account.key
  LEFT JOIN authtoken_token AS own ON own.user_id = account.id
  WHERE by_id.id IS NOT NULL OR by_name.id IS NOT NULL OR by_key.key IS NOT NULL`;

const INSERT_USERS = `
  INSERT INTO auth_user (${USER_COLUMNS.map((name) => `"${name}"`).join(', ')})
  SELECT ${USER_COLUMNS.map((_, index) => column(index)).join(', ')} FROM json_each(?)`;

const INSERT_TOKENS = `
  INSERT INTO authtoken_token ("key", "created", "user_id")
  SELECT ${column(KEY)}, ${column(CREATED)}, ${column(indexOf('id'))} FROM json_each(?)
  WHERE ${column(KEY)} IS NOT NULL`;

const UPDATE_USERS = `
  WITH account AS MATERIALIZED (${ACCOUNT})
  UPDATE auth_user SET ${others.map((name) => `"${name}" = account."${name}"`).join(', ')}
  FROM account WHERE auth_user.id = account.id AND auth_user.username = account.username`;

const DELETE_REPLACED_TOKENS = `
  DELETE FROM authtoken_token WHERE user_id IN (
    SELECT ${column(indexOf('id'))} FROM json_each(?) WHERE ${column(KEY)} IS NOT NULL)`;

const SELECT_PAGE = `
  SELECT ${USER_COLUMNS.map((name) => `auth_user."${name}"`).join(', ')},
    authtoken_token.key, authtoken_token.created
  FROM auth_user LEFT JOIN authtoken_token ON authtoken_token.user_id = auth_user.id
  WHERE auth_user.id > ? ORDER BY auth_user.id LIMIT ?`;

/** The value of a column, as both D1 and Django have it. */
export type Value = string | number | null;

export function bulkQueries(d1: D1Database) {
  return {
    async countUsers(): Promise<number> {
      return (await d1.prepare('SELECT count(*) FROM auth_user').first<number>('count(*)')) ?? 0;
    },

    /**
     * Looks each account up by id, username and token.
     *
     * @param accounts a JSON array of accounts, at most `MAX_CHUNK_LENGTH` long
     * @returns those whose place is not free
     */
    async classifyAccounts(accounts: string): Promise<{ id: number; standing: Standing }[]> {
      const { results } = await d1
        .prepare(CLASSIFY)
        .bind(accounts)
        .all<{ id: number; standing: Standing }>();
      return results;
    },

    /** Inserts users and their tokens, all or none; throws D1's error where a place is taken. */
    async insertAccounts(accounts: string): Promise<void> {
      await d1.batch([
        d1.prepare(INSERT_USERS).bind(accounts),
        d1.prepare(INSERT_TOKENS).bind(accounts),
      ]);
    },

    /** Gives users of the same id and username the accounts' values and, where they bring one, token. */
    async updateAccounts(accounts: string): Promise<void> {
      await d1.batch([
        d1.prepare(UPDATE_USERS).bind(accounts),
        d1.prepare(DELETE_REPLACED_TOKENS).bind(accounts),
        d1.prepare(INSERT_TOKENS).bind(accounts),
      ]);
    },

    /** Accounts as rows of values, in the order of ids, each user with its token at one moment. */
    async pageOfAccounts(afterId: number, limit: number): Promise<Value[][]> {
      return d1.prepare(SELECT_PAGE).bind(afterId, limit).raw<Value[]>();
    },

    /** The highest id ever given: SQLite's AUTOINCREMENT never gives one twice. */
    async lastUserId(): Promise<number> {
      const query = d1.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'auth_user'`);
      return (await query.first<number>('seq')) ?? 0;
    },
  };
}
