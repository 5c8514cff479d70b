/**
 * A private database file between a file and D1, on the way in and on the way out: a whole file is
 * looked at before anything is written, in memory that does not grow with it. SQLite keeps it in the
 * system's directory for temporary files, without a name, and deletes it when the process ends.
 */
import { DatabaseSync } from 'node:sqlite';
import type { Standing, Value } from '../store/operator/bulk.ts';
import { TOKEN_COLUMNS, USER_COLUMNS } from '../store/operator/bulk.ts';
import { CommandError } from './command-error.ts';
import type { TokenRow, UserRow } from './records.ts';

export type Staging = ReturnType<typeof createStaging>;

/** SQLite's page cache: kibibytes, as the pragma counts them below zero. */
const CACHE_KIB = 16 * 1024;

/** `auth_user` and `authtoken_token` with the number of the record that each row came from. */
const TABLES = `
  PRAGMA cache_size = -${CACHE_KIB};
  CREATE TABLE user (id integer PRIMARY KEY, password text, last_login text, is_superuser integer,
    username text UNIQUE, last_name text, email text, is_staff integer, is_active integer,
    date_joined text, first_name text, record integer);
  CREATE TABLE token (key text PRIMARY KEY, created text, user_id integer UNIQUE, record integer);
  CREATE TABLE place (id integer PRIMARY KEY, standing text);
  BEGIN`;

/** A user and its token, if it has one, as JSON arrays (see `Accounts` in store/operator/bulk.ts). */
export type Account = { user: string; token: string | undefined };

const columnsOf = (table: string, columns: string[]) =>
  columns.map((name) => `${table}."${name}"`).join(', ');

/** What a second row of the same kind is called, by the column SQLite names. */
const TWICE: Record<string, string> = {
  'user.id': 'a user of the same id',
  'user.username': 'a user of the same username',
  'token.key': 'a token of the same key',
  'token.user_id': 'a token of the same user',
};

export function createStaging() {
  const db = new DatabaseSync('');
  db.exec(TABLES);
  const insertUser = db.prepare(
    `INSERT INTO user (${USER_COLUMNS.map((name) => `"${name}"`).join(', ')}, record)
     VALUES (${USER_COLUMNS.map((name) => `:${name}`).join(', ')}, :record)`,
  );
  const insertToken = db.prepare('INSERT INTO token VALUES (:key, :created, :user_id, :record)');
  const insertPlace = db.prepare('INSERT INTO place VALUES (?, ?)');

  const count = (sql: string, ...values: Value[]): number =>
    Number(db.prepare(`SELECT count(*) AS n FROM ${sql}`).get(...values)?.n);

  return {
    addUser: (user: UserRow, record: number) =>
      unlessTwice(() => insertUser.run({ ...user, record })),

    addToken: (token: TokenRow, record: number) =>
      unlessTwice(() => insertToken.run({ ...token, record })),

    /** A row as D1 answers it: a user's columns, then its token's key and `created`, or two nulls. */
    addAccount(values: Value[]): void {
      const user = Object.fromEntries(USER_COLUMNS.map((name, i) => [name, values[i] ?? null]));
      const [key, created] = values.slice(USER_COLUMNS.length);
      insertUser.run({ ...user, record: null });
      if (key !== null && key !== undefined) {
        insertToken.run({ key, created: created ?? null, user_id: user.id ?? null, record: null });
      }
    },

    /** The first token of a user that is not there: its record and the user's id. */
    tokenWithoutUser(): { record: number; userId: number } | undefined {
      const row = db
        .prepare(
          `SELECT record, user_id FROM token WHERE user_id NOT IN (SELECT id FROM user)
           ORDER BY record LIMIT 1`,
        )
        .get();
      return row && { record: Number(row.record), userId: Number(row.user_id) };
    },

    countUsers: () => count('user'),
    countTokens: () => count('token'),

    /** In the order of ids: those whose place is free. */
    newAccounts: () => accounts('user.id NOT IN (SELECT id FROM place)'),
    allAccounts: () => accounts('true'),
    differingAccounts: () =>
      accounts(`user.id IN (SELECT id FROM place WHERE standing = 'differs')`),

    countNew: () => count('user WHERE id NOT IN (SELECT id FROM place)'),
    countNewTokens: () => count('token WHERE user_id NOT IN (SELECT id FROM place)'),
    countStanding: (standing: Standing) => count('place WHERE standing = ?', standing),

    countConflicts: () => count(`place WHERE standing <> 'same'`),

    setStanding(id: number, standing: Standing): void {
      insertPlace.run(id, standing);
    },

    /** The first `limit` accounts that cannot simply be inserted, by name. */
    conflicts(limit: number): { id: number; username: string; standing: string }[] {
      return db
        .prepare(
          `SELECT id, username, standing FROM place JOIN user USING (id)
           WHERE standing <> 'same' ORDER BY id LIMIT ?`,
        )
        .all(limit)
        .map((row) => ({
          id: Number(row.id),
          username: String(row.username),
          standing: String(row.standing),
        }));
    },

    users: () =>
      db.prepare(`SELECT ${columnsOf('user', USER_COLUMNS)} FROM user ORDER BY id`).iterate(),
    tokens: () => db.prepare('SELECT key, created, user_id FROM token ORDER BY key').iterate(),

    *passwords(): Generator<{ username: string; password: string }> {
      for (const row of db.prepare('SELECT username, password FROM user ORDER BY id').iterate()) {
        yield { username: String(row.username), password: String(row.password) };
      }
    },

    close: () => db.close(),
  };

  function* accounts(where: string): Generator<Account> {
    const query = db.prepare(
      `SELECT json_array(${columnsOf('user', USER_COLUMNS)}) AS user,
         json_array(${columnsOf('token', TOKEN_COLUMNS)}) AS token, token.key IS NULL AS tokenless
       FROM user LEFT JOIN token ON token.user_id = user.id WHERE ${where} ORDER BY user.id`,
    );
    for (const { user, token, tokenless } of query.iterate()) {
      yield { user: String(user), token: tokenless ? undefined : String(token) };
    }
  }

  function unlessTwice(insert: () => unknown): void {
    try {
      insert();
    } catch (error) {
      const column = /UNIQUE constraint failed: (\S+)/.exec(String(error))?.[1];
      if (column === undefined) throw error;
      throw new CommandError(`there is ${TWICE[column]} before it`);
    }
  }
}
