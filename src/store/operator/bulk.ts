/**
 * Whole tables at a time: what import and export need. D1 allows 100 bound parameters a query, so
 * rows travel as JSON text, which the database reads by `json_each(?)`. The SQL is written out:
 * Drizzle has no `json_each`.
 */
import { getTableColumns } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { runRead } from '../d1-errors.ts';
import { exactId } from '../exact-id.ts';
import { authtokenToken, authUser, knoxAuthtoken } from '../schema.ts';

/** The columns of `auth_user` in their order, `id` first. */
export const USER_COLUMNS = Object.keys(getTableColumns(authUser));

/** The columns of `authtoken_token` in their order. */
export const TOKEN_COLUMNS = Object.keys(getTableColumns(authtokenToken));

/** The columns of `knox_authtoken` in their order. */
export const KNOX_COLUMNS = Object.keys(getTableColumns(knoxAuthtoken));

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

/**
 * Users, and the tokens of these users and of no others: both go into the database, or neither. Only the
 * knox tokens of a user with more than fit go into it in parts.
 */
export type Accounts = {
  /**
   * A JSON array of arrays, each a user's values in the order of `USER_COLUMNS`. See
   * `MAX_ROWS_BYTES` for its length.
   */
  users: string;
  /** The same of tokens, in the order of `TOKEN_COLUMNS`. */
  tokens: string;
  /** The same of knox tokens, in the order of `KNOX_COLUMNS`. Undefined if there are none. */
  knoxTokens: string | undefined;
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

/**
 * How a knox token compares with the database, if its place is not free:
 * - `same` the same token of the same user
 * - `differs` the same with other values, such as a later expiry here
 * - `token-missing` the user is there without the token, which has not expired
 * - `token-taken` the token, as another user's
 */
export type KnoxStanding = Extract<Standing, 'same' | 'differs' | 'token-missing' | 'token-taken'>;

const names = (columns: string[]) => columns.map((name) => `"${name}"`).join(', ');

const rows = (columns: string[]) =>
  `SELECT ${columns.map((name, i) => `value ->> ${i} AS "${name}"`).join(', ')} FROM json_each(?)`;

const notId = USER_COLUMNS.filter((name) => name !== 'id');

/** A moment that the account leaves open fits any. */
const MOMENTS = ['user.date_joined', 'token.created', 'knox.created'];

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

/** An expired token may be missing: the service removes expired tokens. */
const CLASSIFY_KNOX = `
  WITH knox AS MATERIALIZED (${rows(KNOX_COLUMNS)})
  SELECT knox.digest, CASE
    WHEN own.digest IS NULL THEN 'token-missing'
    WHEN own.user_id <> knox.user_id THEN 'token-taken'
    WHEN ${KNOX_COLUMNS.map((name) => fits(`own.${name}`, `knox.${name}`)).join(' AND ')} THEN 'same'
    ELSE 'differs'
  END AS standing
  FROM knox LEFT JOIN knox_authtoken AS own ON own.digest = knox.digest
  LEFT JOIN auth_user ON auth_user.id = knox.user_id
  WHERE own.digest IS NOT NULL
    OR (auth_user.id IS NOT NULL AND (knox.expiry IS NULL OR knox.expiry > ?))`;

/**
 * Changes nothing, but locks the database for its transaction. A long read in local development fails
 * if another process writes to the database at the same time (SQLITE_BUSY_SNAPSHOT).
 */
const LOCK = 'DELETE FROM auth_user WHERE false';

const INSERT_USERS = `INSERT INTO auth_user (${names(USER_COLUMNS)}) ${rows(USER_COLUMNS)}`;

const INSERT_TOKENS = `INSERT INTO authtoken_token (${names(TOKEN_COLUMNS)}) ${rows(TOKEN_COLUMNS)}`;

const INSERT_KNOX_TOKENS = `
  INSERT INTO knox_authtoken (${names(KNOX_COLUMNS)}) ${rows(KNOX_COLUMNS)}`;

/** Of users who have some of their tokens already. A token of another user violates the key. */
const INSERT_MISSING_TOKENS = `
  INSERT INTO authtoken_token (${names(TOKEN_COLUMNS)})
  SELECT * FROM (${rows(TOKEN_COLUMNS)}) AS token WHERE NOT EXISTS (
    SELECT 1 FROM authtoken_token AS own WHERE own.key = token.key AND own.user_id = token.user_id)`;

const INSERT_MISSING_KNOX_TOKENS = `
  INSERT INTO knox_authtoken (${names(KNOX_COLUMNS)})
  SELECT * FROM (${rows(KNOX_COLUMNS)}) AS knox WHERE NOT EXISTS (
    SELECT 1 FROM knox_authtoken AS own WHERE own.digest = knox.digest AND own.user_id = knox.user_id)`;

/** A token of another user stays as it is. */
const UPSERT_KNOX_TOKENS = `
  ${INSERT_KNOX_TOKENS} WHERE true ON CONFLICT (digest) DO UPDATE
  SET ${KNOX_COLUMNS.map((name) => `"${name}" = excluded."${name}"`).join(', ')}
  WHERE user_id = excluded.user_id`;

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

const SELECT_KNOX_PAGE = `
  SELECT ${names(KNOX_COLUMNS)}, rowid FROM knox_authtoken WHERE rowid > ? ORDER BY rowid LIMIT ?`;

/** The value of a column, as both D1 and Django have it. */
export type Value = string | number | null;

export function bulkQueries(d1: D1Database) {
  const db = drizzle(d1);
  const ofKnox = (sql: string, knoxTokens: string | undefined) =>
    knoxTokens === undefined ? [] : [d1.prepare(sql).bind(knoxTokens)];

  /** The lock is for a retry. */
  async function classify<T>(query: D1PreparedStatement): Promise<T[]> {
    const lock = d1.prepare(LOCK);
    const classified = await runRead((isRetry) => d1.batch<T>(isRetry ? [lock, query] : [query]));
    return classified.at(-1)?.results ?? [];
  }

  return {
    countUsers: (): Promise<number> => runRead(async () => db.$count(authUser)),

    /**
     * Looks each account up by id, username and token.
     *
     * @returns the users whose place is not free
     */
    classifyAccounts: ({ users, tokens }: Pick<Accounts, 'users' | 'tokens'>) =>
      classify<{ id: number; standing: Standing }>(d1.prepare(CLASSIFY).bind(users, tokens)),

    /**
     * Looks each knox token up by its digest.
     *
     * @param tokens as in `Accounts.knoxTokens`
     * @param now Django's datetime text
     * @returns the tokens whose place is not free
     */
    classifyKnoxTokens: (tokens: string, now: string) =>
      classify<{ digest: string; standing: KnoxStanding }>(
        d1.prepare(CLASSIFY_KNOX).bind(tokens, now),
      ),

    /** Inserts users and their tokens, all or none. @throws D1's error if an id, a name or a token is taken */
    async insertAccounts({ users, tokens, knoxTokens }: Accounts): Promise<void> {
      await d1.batch([
        d1.prepare(INSERT_USERS).bind(users),
        d1.prepare(INSERT_TOKENS).bind(tokens),
        ...ofKnox(INSERT_KNOX_TOKENS, knoxTokens),
      ]);
    },

    /**
     * Gives users of the same id and username these values. If the account has a token, it
     * replaces the token of the user. The knox tokens of the account are added to those of the user.
     */
    async updateAccounts({ users, tokens, knoxTokens }: Accounts): Promise<void> {
      await d1.batch([
        d1.prepare(UPDATE_USERS).bind(users),
        d1.prepare(DELETE_REPLACED_TOKENS).bind(tokens),
        d1.prepare(INSERT_TOKENS).bind(tokens),
        ...ofKnox(UPSERT_KNOX_TOKENS, knoxTokens),
      ]);
    },

    /**
     * Gives users the tokens that they do not have. @throws D1's error if the user has another token
     * in `authtoken_token`, or another user has one of the tokens
     */
    async insertTokens({ tokens, knoxTokens }: Omit<Accounts, 'users'>): Promise<void> {
      await d1.batch([
        d1.prepare(INSERT_MISSING_TOKENS).bind(tokens),
        ...ofKnox(INSERT_MISSING_KNOX_TOKENS, knoxTokens),
      ]);
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

    /**
     * Knox tokens as rows of values in the order of `KNOX_COLUMNS`, and SQLite's number of the row,
     * by which they are ordered.
     */
    pageOfKnoxTokens: (afterRow: number, limit: number): Promise<Value[][]> =>
      runRead(() => d1.prepare(SELECT_KNOX_PAGE).bind(afterRow, limit).raw<Value[]>()),

    /** The highest id ever given: SQLite's AUTOINCREMENT never gives one twice. */
    async lastUserId(): Promise<number> {
      const query = d1.prepare(`SELECT seq FROM sqlite_sequence WHERE name = 'auth_user'`);
      return (await runRead(() => query.first<number>('seq'))) ?? 0;
    },
  };
}
