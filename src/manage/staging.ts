/**
 * A private database file between files and D1, on the way in and on the way out: everything is
 * looked at before anything is written, in memory that does not grow with it. SQLite keeps the file
 * in the system's directory for temporary files, without a name, and deletes it when the process
 * ends.
 */
import { DatabaseSync } from 'node:sqlite';
import {
  KNOX_COLUMNS,
  type KnoxStanding,
  NO_LOGIN,
  type Standing,
  TOKEN_COLUMNS,
  USER_COLUMNS,
  type Value,
} from '../store/operator/bulk.ts';
import { UNSENDABLE_KEY } from '../store/operator/inspection.ts';
import { CommandError } from './command-error.ts';
import type { FixtureKnoxToken, FixtureToken, FixtureUser } from './records.ts';

export type Staging = ReturnType<typeof createStaging>;

/** SQLite's page cache: kibibytes, as the pragma counts them below zero. */
const CACHE_KIB = 16 * 1024;

/**
 * `auth_user`, `authtoken_token` and `knox_authtoken`, but a date may be missing. A token has the record that it came
 * from. `is_known` marks users of the database that are staged for their tokens only. `named_by` says
 * how the record names the user: `id`, `uuid` or `username`. `knox_4` counts the tokens of knox 4, which
 * are left out. `token_missing` says whether the user has no token in the database's `authtoken_token`.
 */
const TABLES = `
  PRAGMA cache_size = -${CACHE_KIB};
  CREATE TABLE user (id integer PRIMARY KEY AUTOINCREMENT, password text, last_login text,
    is_superuser integer, username text UNIQUE, last_name text, email text, is_staff integer,
    is_active integer, date_joined text, first_name text, has_groups integer, named_by text,
    is_known integer DEFAULT 0);
  CREATE TABLE token (key text PRIMARY KEY, created text, user_id integer UNIQUE, named_by text,
    file text, record integer);
  CREATE TABLE knox (digest text PRIMARY KEY, created text, user_id integer, expiry text,
    token_key text, standing text, named_by text, file text, record integer);
  CREATE INDEX knox_user_id ON knox (user_id);
  CREATE TABLE knox_4 (user_id integer PRIMARY KEY, tokens integer);
  CREATE TABLE place (id integer PRIMARY KEY, standing text, token_missing integer);
  CREATE TABLE uuid (uuid text PRIMARY KEY, id integer);
  CREATE TABLE renumbered (id integer, was integer PRIMARY KEY, temporary integer);
  BEGIN`;

/** Tables with a column `user_id`. */
const TOKEN_TABLES = ['token', 'knox', 'knox_4'];

/**
 * A user and its tokens, if it has any, as JSON arrays (see `Accounts` in store/operator/bulk.ts). The
 * knox tokens are read before the next account.
 */
export type Account = { user: string; token: string | undefined; knoxTokens: Iterable<string> };

/** The place of a record: its file, and its number in the file, from 1. */
export type Origin = { file: string; record: number };

/** Usernames and ids of users in the database. */
type KnownUsers = ReadonlyMap<string, number>;

const STAGED_COLUMNS = [...USER_COLUMNS, 'has_groups', 'named_by'];

/**
 * A second record of the same id or key replaces the first, as `loaddata` saves one after the
 * other.
 */
const UPSERT_USER = `
  INSERT INTO user (${STAGED_COLUMNS.join(', ')})
  VALUES (${STAGED_COLUMNS.map((name) => `:${name}`).join(', ')})
  ON CONFLICT (id) DO UPDATE SET ${STAGED_COLUMNS.map((name) => `${name} = excluded.${name}`).join(', ')}`;

const UPSERT_TOKEN = `
  INSERT INTO token VALUES (:key, :created, :user_id, :named_by, :file, :record)
  ON CONFLICT (key) DO UPDATE SET created = excluded.created, user_id = excluded.user_id,
    named_by = excluded.named_by, file = excluded.file, record = excluded.record`;

const UPSERT_KNOX_TOKEN = `
  INSERT INTO knox (digest, created, user_id, expiry, token_key, named_by, file, record)
  VALUES (:digest, :created, :user_id, :expiry, :token_key, :named_by, :file, :record)
  ON CONFLICT (digest) DO UPDATE SET created = excluded.created, user_id = excluded.user_id,
    expiry = excluded.expiry, token_key = excluded.token_key, named_by = excluded.named_by,
    file = excluded.file, record = excluded.record`;

/** A user without an id cannot be named in the report. */
const COUNT_KNOX_4 = `
  INSERT INTO knox_4 VALUES (?, 1) ON CONFLICT (user_id) DO UPDATE SET tokens = tokens + 1`;

/**
 * The places of users by their knox tokens. A user who has the id or the name of another one is in
 * conflict already.
 */
const PLACE_BY_KNOX = `
  INSERT INTO place
  SELECT user_id, CASE WHEN max(standing = 'token-taken') THEN 'token-taken'
      WHEN max(standing = 'differs') OR NOT is_known THEN 'differs' ELSE 'token-missing' END, 0
    FROM knox JOIN user ON user.id = user_id
    WHERE standing IN ('token-taken', 'differs', 'token-missing') GROUP BY user_id
  ON CONFLICT (id) DO UPDATE SET standing = excluded.standing
    WHERE place.standing IN ('same', 'token-missing')
      OR (place.standing = 'differs' AND excluded.standing = 'token-taken')`;

/** Names of a duplicate row in messages, by the column that SQLite names. */
const TWICE: Record<string, string> = {
  'user.username': 'a user of the same username',
  'token.user_id': 'a token of the same user',
};

/** Columns that may be missing in a fixture. */
const MOMENTS = ['date_joined', 'created'];

/** The columns of a table, with `:now` for a missing date. */
const closedColumnsOf = (table: string, columns: string[]) =>
  columns
    .map((name) =>
      MOMENTS.includes(name) ? `coalesce(${table}."${name}", :now)` : `${table}."${name}"`,
    )
    .join(', ');

/**
 * Imported users that wait for djoser's activation or were deactivated. Django does not say which:
 * they are inactive, have never logged in and have no token of DRF.
 */
const MAYBE_WAITING = `NOT is_known AND NOT is_active AND coalesce(last_login, '${NO_LOGIN}') = '${NO_LOGIN}'
  AND id NOT IN (SELECT user_id FROM token)`;

const HAS_KNOX = `(EXISTS (SELECT 1 FROM knox WHERE user_id = user.id)
  OR EXISTS (SELECT 1 FROM knox_4 WHERE user_id = user.id))`;

/** Columns of a user as Django has them. */
const DJANGO_COLUMNS = USER_COLUMNS.map((name) =>
  name === 'last_login' ? `nullif(last_login, '${NO_LOGIN}') AS last_login` : `"${name}"`,
).join(', ');

const standingIs = (standing: Standing) =>
  `user.id IN (SELECT id FROM place WHERE standing = '${standing}')`;

/** A row of values in the order of `USER_COLUMNS`, by name. */
const namedUser = (values: Value[]) => ({
  ...Object.fromEntries(USER_COLUMNS.map((name, i) => [name, values[i] ?? null])),
  has_groups: 0,
  named_by: 'id',
});

/** How a record names a user. A user without an id is named by the username. */
function kindOf(reference: FixtureUser['id'] | FixtureToken['user']): 'id' | 'uuid' | 'username' {
  if (typeof reference === 'number') return 'id';
  return reference !== null && 'uuid' in reference ? 'uuid' : 'username';
}

/**
 * Deletes the rows of other usernames.
 *
 * @param table a table with a column `username`
 * @returns the usernames that no row has
 */
export function keepUsernames(db: DatabaseSync, table: string, usernames: string[]): string[] {
  const list = JSON.stringify(usernames);
  const missing = db
    .prepare(`SELECT value FROM json_each(?) WHERE value NOT IN (SELECT username FROM ${table})`)
    .all(list);
  db.prepare(`DELETE FROM ${table} WHERE username NOT IN (SELECT value FROM json_each(?))`).run(
    list,
  );
  return missing.map(({ value }) => String(value));
}

/** A token names a user by the number of another database, which may number its users differently. */
const IS_OTHER_NUMBER = `(named_by = 'id'
  AND EXISTS (SELECT 1 FROM user WHERE user.named_by = 'username'))`;

/** The tokens of both models. */
const ALL_TOKENS = `(
  SELECT 'authtoken.token' AS model, user_id, named_by, file, record, rowid AS number FROM token
  UNION ALL SELECT 'knox.authtoken', user_id, named_by, file, record, rowid FROM knox)`;

/** @param lastUserId the id after which users without one are numbered */
export function createStaging(lastUserId = 0) {
  const db = new DatabaseSync('');
  db.exec(TABLES);
  db.prepare(`INSERT INTO sqlite_sequence VALUES ('user', ?)`).run(lastUserId);
  const upsertUser = db.prepare(UPSERT_USER);
  const upsertToken = db.prepare(UPSERT_TOKEN);
  const upsertKnoxToken = db.prepare(UPSERT_KNOX_TOKEN);
  const countKnox4 = db.prepare(COUNT_KNOX_4);
  const setKnoxStanding = db.prepare('UPDATE knox SET standing = ? WHERE digest = ?');
  const selectId = db.prepare('SELECT id FROM user WHERE username = ?');
  const selectUsername = db.prepare('SELECT username FROM user WHERE id = ?');
  const selectUuid = db.prepare('SELECT id FROM uuid WHERE uuid = ?');
  const setUuid = db.prepare('REPLACE INTO uuid VALUES (?, ?)');
  const setUserId = db.prepare('UPDATE user SET id = :id WHERE id = :was');
  const setTokenUserIds = TOKEN_TABLES.map((table) =>
    db.prepare(`UPDATE ${table} SET user_id = :id WHERE user_id = :was`),
  );
  // A user without a token gets one where only its token was imported, and is a conflict elsewhere.
  const insertPlace = db.prepare(
    `INSERT INTO place
     SELECT id, CASE WHEN :standing = 'token-missing' AND NOT is_known THEN 'differs' ELSE :standing END,
       :standing = 'token-missing' FROM user WHERE id = :id`,
  );

  const count = (sql: string, ...values: Value[]): number =>
    Number(db.prepare(`SELECT count(*) AS n FROM ${sql}`).get(...values)?.n);

  const idOf = (username: string): number | undefined => {
    const id = selectId.get(username)?.id;
    return id === undefined ? undefined : Number(id);
  };

  /**
   * The user of that name now: a staged one, or else one of the database that no record has
   * renamed.
   */
  function findId(username: string, known: KnownUsers): number | undefined {
    const staged = idOf(username);
    if (staged !== undefined) return staged;
    const id = known.get(username);
    return id === undefined || selectUsername.get(id) ? undefined : id;
  }

  /** The id of a UUID: a new one, unless its user or a token has mentioned it before. */
  function idOfUuid(uuid: string): number {
    const mentioned = selectUuid.get(uuid)?.id;
    if (mentioned !== undefined) return Number(mentioned);
    const id = Number(
      db.prepare(`UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'user' RETURNING seq`).get()
        ?.seq,
    );
    setUuid.run(uuid, id);
    return id;
  }

  function idOfReference(user: FixtureToken['user'], known: KnownUsers): number | undefined {
    if (typeof user === 'number') return user;
    if (Array.isArray(user)) return findId(user[0], known);
    return idOfUuid(user.uuid);
  }

  /**
   * The user of a token.
   *
   * @throws CommandError if no user has its username
   */
  function ownerOf(user: FixtureToken['user'], known: KnownUsers, mayName: boolean) {
    const user_id = idOfReference(user, mayName ? known : new Map());
    if (user_id !== undefined) return { user_id, named_by: kindOf(user) };
    const isHere = Array.isArray(user) && known.has(user[0]);
    throw new CommandError(
      'user: no earlier record has that username' +
        (isHere
          ? '. If the users of the database have the usernames of the files, use --match-users-by username'
          : ''),
    );
  }

  return {
    isStaged: (username: string): boolean => idOf(username) !== undefined,

    /** @throws CommandError if another user has the username */
    addUser(user: FixtureUser, known: KnownUsers = new Map()): void {
      const id =
        typeof user.id === 'object' && user.id
          ? idOfUuid(user.id.uuid)
          : (user.id ?? findId(user.username, known) ?? null);
      unlessTwice(() => upsertUser.run({ ...user, id, named_by: kindOf(user.id) }));
    },

    /**
     * @param mayName whether the token may name one of the known users
     * @throws CommandError if the user has another token, or no user has its username
     */
    addToken(
      { key, created, user }: FixtureToken,
      origin: Origin,
      known: KnownUsers = new Map(),
      mayName = true,
    ): void {
      const owner = ownerOf(user, known, mayName);
      unlessTwice(() => upsertToken.run({ key, created, ...owner, ...origin }));
    },

    /** A token of knox. The tokens of knox 4 are counted only. See `addToken`. */
    addKnoxToken(
      { user, isOfKnox4, ...token }: FixtureKnoxToken,
      origin: Origin,
      known: KnownUsers = new Map(),
      mayName = true,
    ): void {
      const owner = ownerOf(user, known, mayName);
      if (isOfKnox4) countKnox4.run(owner.user_id);
      else upsertKnoxToken.run({ ...token, ...owner, ...origin });
    },

    /** Users with a UUID in Django, in the order of ids. */
    uuidUsers: (afterId: number, limit: number): { id: number; username: string }[] =>
      db
        .prepare(
          `SELECT id, username FROM user WHERE named_by = 'uuid' AND id > ? ORDER BY id LIMIT ?`,
        )
        .all(afterId, limit)
        .map(({ id, username }) => ({ id: Number(id), username: String(username) })),

    /** Gives a user with a UUID the id that the user has in the database, unless a record has it. */
    moveUuidUser(was: number, id: number): void {
      if (selectUsername.get(id)) return;
      setUserId.run({ was, id });
      for (const setUserId of setTokenUserIds) setUserId.run({ was, id });
    },

    /**
     * A row as D1 answers it: a user's columns, then its token's key and `created`, or two nulls.
     */
    addAccount(values: Value[]): void {
      const id = Number(values[0]);
      upsertUser.run(namedUser(values));
      const [key, created] = values.slice(USER_COLUMNS.length);
      if (key !== null && key !== undefined) {
        upsertToken.run({
          key,
          created: created ?? null,
          user_id: id,
          named_by: 'id',
          file: null,
          record: null,
        });
      }
    },

    /** A row of `KNOX_COLUMNS`, as D1 answers it. A user who was not staged before is gone, or new. */
    addStoredKnoxToken(values: Value[]): void {
      const token = Object.fromEntries(KNOX_COLUMNS.map((name, i) => [name, values[i] ?? null]));
      if (!selectUsername.get(token.user_id ?? null)) return;
      upsertKnoxToken.run({ ...token, named_by: 'id', file: null, record: null });
    },

    /** Users who have a token here that names them so, and no record. In the order of ids. */
    usersWithoutRecord: (namedBy: 'id' | 'username', afterId: number, limit: number): number[] =>
      db
        .prepare(
          `${['token', 'knox']
            .map(
              (table) => `SELECT user_id FROM ${table} WHERE named_by = ?1 AND user_id > ?2
                AND user_id NOT IN (SELECT id FROM user)`,
            )
            .join(' UNION ')} ORDER BY user_id LIMIT ?3`,
        )
        .all(namedBy, afterId, limit)
        .map((row) => Number(row.user_id)),

    /** A user of the database whose token is imported and who has no record. */
    addKnownUser(values: Value[]): void {
      upsertUser.run(namedUser(values));
      db.prepare('UPDATE user SET is_known = 1 WHERE id = ?').run(values[0] ?? null);
    },

    /**
     * The first token of a user that is not there. If the users have no ids, an id says nothing: they
     * were numbered here.
     */
    tokenWithoutUser():
      | (Origin & { model: string; user: string; namedBy: 'id' | 'uuid'; isOtherNumber: boolean })
      | undefined {
      const row = db
        .prepare(
          `SELECT model, file, record, named_by, ${IS_OTHER_NUMBER} AS is_other_number,
             coalesce((SELECT uuid FROM uuid WHERE id = user_id), user_id) AS user
           FROM ${ALL_TOKENS} WHERE user_id NOT IN (SELECT id FROM user)
             OR (named_by = 'id' AND user_id IN (SELECT id FROM user WHERE named_by = 'username'))
           ORDER BY model, number LIMIT 1`,
        )
        .get();
      return (
        row && {
          model: String(row.model),
          file: String(row.file),
          record: Number(row.record),
          user: String(row.user),
          namedBy: row.named_by === 'uuid' ? 'uuid' : 'id',
          isOtherNumber: row.is_other_number === 1,
        }
      );
    },

    /**
     * Gives users who may wait for an activation a last login, so that no link activates them. Those
     * with tokens of knox do not wait, but their tokens may expire.
     */
    deactivateMaybeWaiting({ areAll }: { areAll: boolean }): void {
      const which = areAll ? 'true' : HAS_KNOX;
      db.exec(`UPDATE user SET last_login = '${NO_LOGIN}' WHERE ${MAYBE_WAITING} AND ${which}`);
    },

    /** Leaves out users of other names, and their tokens. @returns the names that no user has */
    keepUsers(usernames: string[]): string[] {
      const missing = keepUsernames(db, 'user', usernames);
      for (const table of TOKEN_TABLES) {
        db.exec(`DELETE FROM ${table} WHERE user_id NOT IN (SELECT id FROM user)`);
      }
      return missing;
    },

    countUsers: () => count('user'),
    /** Users with a UUID in Django. */
    countUuids: () => count(`user WHERE named_by = 'uuid'`),
    countTokens: () => count('token'),
    countKnoxTokens: () => count('knox'),
    countInGroups: () => count('user WHERE has_groups'),

    /** Whole, with open dates. In the order of ids, as all that follow. */
    allAccounts: () => accounts('true', null, false),
    /** The knox tokens as JSON arrays, with open dates. */
    *allKnoxTokens(): Generator<string> {
      const query = db.prepare(
        `SELECT json_array(${KNOX_COLUMNS.join(', ')}) AS token FROM knox ORDER BY rowid`,
      );
      for (const { token } of query.iterate()) yield String(token);
    },
    /**
     * Those whose place is free. Open dates become `now`, in Django's text, as in all that follow.
     */
    newAccounts: (now: string) => accounts('user.id NOT IN (SELECT id FROM place)', now),
    differingAccounts: (now: string) => accounts(standingIs('differs'), now),
    /** Users of the database who get a token. */
    tokenMissingAccounts: (now: string) => accounts(standingIs('token-missing'), now),

    countNew: () => count('user WHERE id NOT IN (SELECT id FROM place)'),
    countNewTokens: () =>
      count(`token WHERE user_id NOT IN (
        SELECT id FROM place WHERE standing <> 'token-missing' OR NOT token_missing)`),
    countNewKnoxTokens: () =>
      count(`knox WHERE coalesce(standing, 'token-missing') = 'token-missing'
        AND user_id NOT IN (SELECT id FROM place WHERE standing <> 'token-missing')`),
    countStanding: (standing: Standing) => count('place WHERE standing = ?', standing),

    countConflicts: () => count(`place WHERE standing NOT IN ('same', 'token-missing')`),

    setStanding(id: number, standing: Standing): void {
      insertPlace.run({ id, standing });
    },

    /** How a knox token compares with the database. Not called for one whose place is free. */
    setKnoxStanding(digest: string, standing: KnoxStanding): void {
      setKnoxStanding.run(standing, digest);
    },

    /** Gives users the places that follow from their knox tokens, once all standings are set. */
    placeByKnoxTokens: () => db.exec(PLACE_BY_KNOX),

    /** The first `limit` accounts that cannot simply be inserted, by name. */
    conflicts(limit: number): { id: number; username: string; standing: string }[] {
      return db
        .prepare(
          `SELECT id, username, standing FROM place JOIN user USING (id)
           WHERE standing NOT IN ('same', 'token-missing') ORDER BY id LIMIT ?`,
        )
        .all(limit)
        .map((row) => ({
          id: Number(row.id),
          username: String(row.username),
          standing: String(row.standing),
        }));
    },

    /** Users whose id or username belongs to another user in the database. */
    taken: (): { id: number; username: string; date_joined: string | null }[] =>
      db
        .prepare(
          `SELECT id, username, date_joined FROM user
           WHERE ${standingIs('id-taken')} OR ${standingIs('username-taken')} ORDER BY id`,
        )
        .all()
        .map(({ id, username, date_joined }) => ({
          id: Number(id),
          username: String(username),
          date_joined: date_joined === null ? null : String(date_joined),
        })),

    /**
     * Gives another id to each user whose id is taken, and to its token. All places are open again.
     *
     * @param known the ids of users who are in the database, by the ids of the files. The others get
     *   ids that neither the database nor the files have
     */
    renumberTaken(known: ReadonlyMap<number, number>): void {
      db.prepare(
        `INSERT INTO renumbered
           SELECT row_number() OVER (ORDER BY id) + max(
             (SELECT max(id) FROM user), (SELECT seq FROM sqlite_sequence WHERE name = 'user')), id, NULL
           FROM user WHERE ${standingIs('id-taken')} OR id IN (SELECT value FROM json_each(?))`,
      ).run(JSON.stringify([...known.keys()]));
      db.exec('DELETE FROM place; UPDATE knox SET standing = NULL');
      const move = (from: string) =>
        [
          `UPDATE user SET id = renumbered.id FROM renumbered WHERE user.id = ${from}`,
          ...TOKEN_TABLES.map(
            (table) =>
              `UPDATE ${table} SET user_id = renumbered.id FROM renumbered WHERE user_id = ${from}`,
          ),
        ].join(';');
      db.exec(move('was'));
      db.exec('UPDATE renumbered SET temporary = id');
      const setId = db.prepare('UPDATE renumbered SET id = :id WHERE was = :was');
      for (const [was, id] of known) setId.run({ was, id });
      db.exec(move('temporary'));
    },

    *renumbered(): Generator<{ id: number; was: number; username: string }> {
      const query = db.prepare(
        'SELECT id, was, username FROM renumbered JOIN user USING (id) ORDER BY id',
      );
      for (const { id, was, username } of query.iterate()) {
        yield { id: Number(id), was: Number(was), username: String(username) };
      }
    },

    /** The ids here of users with a UUID in Django. */
    uuids: () => db.prepare('SELECT uuid, id FROM uuid').iterate(),

    /** For Django. */
    users: () => db.prepare(`SELECT ${DJANGO_COLUMNS} FROM user ORDER BY id`).iterate(),
    tokens: () => db.prepare('SELECT key, created, user_id FROM token ORDER BY key').iterate(),
    knoxTokens: () =>
      db.prepare(`SELECT ${KNOX_COLUMNS.join(', ')} FROM knox ORDER BY digest`).iterate(),

    /** Of the users that were imported. */
    *passwords(): Generator<{ id: number; username: string; password: string }> {
      const query = db.prepare(
        'SELECT id, username, password FROM user WHERE NOT is_known ORDER BY id',
      );
      for (const { id, username, password } of query.iterate()) {
        yield { id: Number(id), username: String(username), password: String(password) };
      }
    },

    *maybeWaiting(): Generator<string> {
      const query = db.prepare(
        `SELECT username FROM user WHERE ${MAYBE_WAITING} AND NOT ${HAS_KNOX} ORDER BY id`,
      );
      for (const { username } of query.iterate()) yield String(username);
    },

    /** Users whose token no request can send. */
    *usersOfUnsendableKeys(): Generator<string> {
      const query = db.prepare(
        `SELECT username FROM token JOIN user ON id = user_id WHERE ${UNSENDABLE_KEY} ORDER BY id`,
      );
      for (const { username } of query.iterate()) yield String(username);
    },

    /** Users with tokens of knox 4, which are left out, and how many. */
    *usersOfKnox4(): Generator<{ username: string; tokens: number }> {
      const query = db.prepare(
        `SELECT coalesce(username, 'id ' || user_id) AS username, tokens
         FROM knox_4 LEFT JOIN user ON id = user_id ORDER BY user_id`,
      );
      for (const { username, tokens } of query.iterate()) {
        yield { username: String(username), tokens: Number(tokens) };
      }
    },

    close: () => db.close(),
  };

  function* accounts(where: string, now: string | null, isWithKnox = true): Generator<Account> {
    const ofUser = db.prepare(
      `SELECT json_array(${closedColumnsOf('knox', KNOX_COLUMNS)}) AS token FROM knox
       WHERE user_id = :user_id ORDER BY rowid`,
    );
    const hasKnox = isWithKnox && count('knox') > 0;
    const query = db.prepare(
      `SELECT user.id, json_array(${closedColumnsOf('user', USER_COLUMNS)}) AS user,
         json_array(${closedColumnsOf('token', TOKEN_COLUMNS)}) AS token, token.key IS NULL AS tokenless
       FROM user LEFT JOIN token ON token.user_id = user.id WHERE ${where} ORDER BY user.id`,
    );
    for (const { id, user, token, tokenless } of query.iterate({ now })) {
      const knoxTokens = hasKnox ? ofUser.iterate({ user_id: id ?? null, now }) : [].values();
      yield {
        user: String(user),
        token: tokenless ? undefined : String(token),
        knoxTokens: knoxTokens.map(({ token }) => String(token)),
      };
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
