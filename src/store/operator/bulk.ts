/**
 * Whole tables at a time: what import and export need. D1 allows 100 bound parameters a query, so
 * rows travel as JSON text, which the database reads by `json_each(?)`. The SQL is written out:
 * Drizzle has no `json_each`.
 */
import { getTableColumns } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { runRead } from '../d1-errors.ts';
import { exactId } from '../exact-id.ts';
import { authtokenToken, authUser } from '../schema.ts';

/** The columns of `auth_user` in their order, `id` first. */
export const USER_COLUMNS = Object.keys(getTableColumns(authUser));

/** The columns of `authtoken_token` in their order. */
export const TOKEN_COLUMNS = Object.keys(getTableColumns(authtokenToken));

/**
 * Bytes of one parameter. D1 accepts strings of up to 2,000,000 bytes
 * (developers.cloudflare.com/d1/platform/limits).
 */
export const MAX_ROWS_BYTES = 1_000_000;

/**
 * The last login of users who were imported as deactivated and have none, in Django's text. Without
 * one a link for the activation would let them in (auth/activation.ts). An export writes none again.
 */
export const NO_LOGIN = '1970-01-01 00:00:00';

/** Users, and the tokens of these users and of no others: both go into the database, or neither. */
export type Accounts = {
  /**
   * A JSON array of arrays, each a user's values in the order of `USER_COLUMNS`. See
   * `MAX_ROWS_BYTES` for its length.
   */
  users: string;
  /** The same of tokens, in the order of `TOKEN_COLUMNS`. */
  tokens: string;
};

/**
 * How an account compares with the database:
 * - `same` the same account. Its token is compared only if the account has one
 * - `token-missing` the same user without a token, but the account has one
 * - `differs` the user of that id and username, with other values or another token
 * - `id-taken` a user of that id with another username
 * - `username-taken` a user of that username with another id
 * - `token-taken` the token, as another user's
 */
export type Standing =
  | 'same'
  | 'token-missing'
  | 'differs'
  | 'id-taken'
  | 'username-taken'
  | 'token-taken';

const names = (columns: string[]) => columns.map((name) => `"${name}"`).join(', ');

const rows = (columns: string[]) =>
  `SELECT ${columns.map((name, i) => `value ->> ${i} AS "${name}"`).join(', ')} FROM json_each(?)`;

const notId = USER_COLUMNS.filter((name) => name !== 'id');

/** A moment that the account leaves open fits any. */
const MOMENTS = ['user.date_joined', 'token.created'];

const fits = (database: string, account: string) =>
  MOMENTS.includes(account)
    ? `(${account} IS NULL OR ${database} IS ${account})`
    : `${database} IS ${account}`;

/**
 * A user with a token waits for no activation: whether the last login is NO_LOGIN then depends only
 * on the files that were imported together.
 */
const fitsLastLogin = `CASE WHEN coalesce(own.key, token.key) IS NULL
    THEN by_id.last_login IS user.last_login
    ELSE nullif(by_id.last_login, '${NO_LOGIN}') IS nullif(user.last_login, '${NO_LOGIN}') END`;

const fitsUser = notId
  .map((name) => (name === 'last_login' ? fitsLastLogin : fits(`by_id.${name}`, `user.${name}`)))
  .join(' AND ');

const CLASSIFY = `
  WITH user AS MATERIALIZED (${rows(USER_COLUMNS)}), token AS MATERIALIZED (${rows(TOKEN_COLUMNS)})
  SELECT user.id, CASE
    WHEN by_id.username <> user.username THEN 'id-taken'
    WHEN by_name.id <> user.id THEN 'username-taken'
    WHEN by_key.user_id <> user.id THEN 'token-taken'
    WHEN NOT (${fitsUser}) THEN 'differs'
    WHEN token.key IS NULL THEN 'same'
    WHEN own.key IS NULL THEN 'token-missing'
    WHEN own.key = token.key AND ${fits('own.created', 'token.created')} THEN 'same'
    ELSE 'differs'
  END AS standing
  FROM user LEFT JOIN token ON token.user_id = user.id
  LEFT JOIN auth_user AS by_id ON by_id.id = user.id
  LEFT JOIN auth_user AS by_name ON by_name.username = user.username
  LEFT JOIN authtoken_token AS by_key ON by_key.key = token.key
  LEFT JOIN authtoken_token AS own ON own.user_id = user.id
  WHERE by_id.id IS NOT NULL OR by_name.id IS NOT NULL OR by_key.key IS NOT NULL`;

/**
 * Changes nothing, but locks the database for its transaction. A long read in local development fails
 * if another process writes to the database at the same time (SQLITE_BUSY_SNAPSHOT).
 */
const LOCK = 'DELETE FROM auth_user WHERE false';

const INSERT_USERS = `INSERT INTO auth_user (${names(USER_COLUMNS)}) ${rows(USER_COLUMNS)}`;

const INSERT_TOKENS = `INSERT INTO authtoken_token (${names(TOKEN_COLUMNS)}) ${rows(TOKEN_COLUMNS)}`;

const UPDATE_USERS = `
  WITH user AS MATERIALIZED (${rows(USER_COLUMNS)})
  UPDATE auth_user SET ${notId.map((name) => `"${name}" = user."${name}"`).join(', ')}
  FROM user WHERE auth_user.id = user.id AND auth_user.username = user.username`;

const DELETE_REPLACED_TOKENS = `
  DELETE FROM authtoken_token WHERE user_id IN (SELECT user_id FROM (${rows(TOKEN_COLUMNS)}))`;

const SELECT_IDS = `
  SELECT id, username FROM auth_user WHERE username IN (SELECT value FROM json_each(?))`;

const SELECT_USERS = `
  SELECT ${names(USER_COLUMNS)} FROM auth_user WHERE id IN (SELECT value FROM json_each(?))`;

const SELECT_PAGE = `
  SELECT ${USER_COLUMNS.map((name) => `auth_user."${name}"`).join(', ')},
    authtoken_token.key, authtoken_token.created
  FROM auth_user LEFT JOIN authtoken_token ON authtoken_token.user_id = auth_user.id
  WHERE auth_user.id > ? ORDER BY auth_user.id LIMIT ?`;

/** The value of a column, as both D1 and Django have it. */
export type Value = string | number | null;

export function bulkQueries(d1: D1Database) {
  const db = drizzle(d1);

  return {
    countUsers: (): Promise<number> => runRead(async () => db.$count(authUser)),

    /**
     * Looks each account up by id, username and token.
     *
     * @returns the users whose place is not free
     */
    async classifyAccounts({
      users,
      tokens,
    }: Accounts): Promise<{ id: number; standing: Standing }[]> {
      const lock = d1.prepare(LOCK);
      const query = d1.prepare(CLASSIFY).bind(users, tokens);
      const classified = await runRead((isRetry) =>
        d1.batch<{ id: number; standing: Standing }>(isRetry ? [lock, query] : [query]),
      );
      return classified.at(-1)?.results ?? [];
    },

    /** Inserts users and their tokens, all or none. @throws D1's error if an id, a name or a token is taken */
    async insertAccounts({ users, tokens }: Accounts): Promise<void> {
      await d1.batch([
        d1.prepare(INSERT_USERS).bind(users),
        d1.prepare(INSERT_TOKENS).bind(tokens),
      ]);
    },

    /**
     * Gives users of the same id and username these values. If the account has a token, it
     * replaces the token of the user.
     */
    async updateAccounts({ users, tokens }: Accounts): Promise<void> {
      await d1.batch([
        d1.prepare(UPDATE_USERS).bind(users),
        d1.prepare(DELETE_REPLACED_TOKENS).bind(tokens),
        d1.prepare(INSERT_TOKENS).bind(tokens),
      ]);
    },

    /**
     * Gives tokens to users without one. @throws D1's error if the user has a token, or another user
     * has the key
     */
    async insertTokens(tokens: string): Promise<void> {
      await d1.prepare(INSERT_TOKENS).bind(tokens).run();
    },

    /** The ids of those of these usernames that there are, by username. */
    async findUserIds(usernames: string[]): Promise<Map<string, number>> {
      const query = d1.prepare(SELECT_IDS).bind(JSON.stringify(usernames));
      const { results } = await runRead(() => query.all<{ id: number; username: string }>());
      return new Map(results.map(({ id, username }) => [username, exactId(id)]));
    },

    /** Those of these users that there are, as rows of values in the order of `USER_COLUMNS`. */
    async findUsers(ids: number[]): Promise<Value[][]> {
      return runRead(() => d1.prepare(SELECT_USERS).bind(JSON.stringify(ids)).raw<Value[]>());
    },

    /** Accounts as rows of values, in the order of ids, each user with its token at one moment. */
    async pageOfAccounts(afterId: number, limit: number): Promise<Value[][]> {
      const query = d1.prepare(SELECT_PAGE).bind(afterId, limit);
      const page = await runRead(() => query.raw<Value[]>());
      for (const [id] of page) exactId(Number(id));
      return page;
    },

    /** The highest id ever given: SQLite's AUTOINCREMENT never gives one twice. */
    async lastUserId(): Promise<number> {
      const query = d1.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'auth_user'`);
      return (await runRead(() => query.first<number>('seq'))) ?? 0;
    },
  };
}
