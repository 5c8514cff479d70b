/**
 * The queries of tokens: those that a token model implements (authtoken.ts, knox.ts), and those that are
 * the same for both. A change that deletes tokens deletes those of both tables. So no token returns when
 * the setting `TOKEN_MODEL` changes.
 */
import { and, eq, gte, inArray, lt, type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import { djangoDatetime } from '../lib/django-datetime.ts';
import { runRead, runWriteWithRetry } from './d1-errors.ts';
import { exactId } from './exact-id.ts';
import { authtokenToken, authUser, knoxAuthtoken } from './schema.ts';
import { statement } from './statement.ts';
import { type PlainToken, storedToken } from './stored-token.ts';

const { placeholder } = sql;

/** The token of a request, with its user. */
export type FoundToken = {
  user: {
    id: number;
    username: string;
    first_name: string;
    last_name: string;
    email: string;
    is_staff: boolean;
    is_superuser: boolean;
    is_active: boolean;
  };
  token: PlainToken;
};

/** A token in a list. It has no key. */
export type ListedToken = Omit<PlainToken, 'key'> & {
  digest: string;
  /** The first characters of the key. */
  token_key: string;
};

/** A login whose password is correct. */
export type NewLogin = {
  userId: number;
  /** The stored encoding that was verified. */
  password: string;
  /** The token to store. */
  token: PlainToken;
  /** The new last login, as Django's datetime string; undefined if it does not change. */
  lastLogin: string | undefined;
  /** Of DRF's model: tokens created before this datetime are replaced. '' if tokens do not expire. */
  expiredBefore?: string;
  /** Of knox's model: how many tokens that have not expired a user may have. */
  limit?: number | undefined;
};

/** The queries that a token model implements. */
export type TokenQueries = {
  /** Finds a token and its user by one indexed lookup (2 rows read). */
  findToken: (key: string) => Promise<FoundToken | undefined>;

  /** As `findToken`, always from the primary database and never from a cache, for the routes of staff. */
  findCurrentToken: (key: string) => Promise<FoundToken | undefined>;

  /**
   * Stores the token of a login, and the last login, both or neither.
   *
   * @returns the stored token; `token-limit` if the user has too many; undefined if the password has
   *   changed, or the user is deleted or inactive
   */
  storeLogin: (login: NewLogin) => Promise<PlainToken | 'token-limit' | undefined>;

  /** The tokens that a user has, the newest first. They are bounded in number. */
  listTokens: (userId: number, now: string) => Promise<ListedToken[]>;

  /** Inserts the token of a new user. */
  insertTokenOfUsername: (token: PlainToken, username: string) => D1PreparedStatement;

  /** Inserts a token of a user without one, if its stored password is `password`. Returns a row then. */
  insertTokenIfPassword: (token: PlainToken, id: number, password: string) => D1PreparedStatement;
};

/** A row of `userColumns` as D1 returns it: the columns in this order. */
export type UserRow = [
  id: number,
  username: string,
  first_name: string,
  last_name: string,
  email: string,
  is_staff: number,
  is_superuser: number,
  is_active: number,
];

export const userColumns = {
  id: authUser.id,
  username: authUser.username,
  first_name: authUser.first_name,
  last_name: authUser.last_name,
  email: authUser.email,
  is_staff: authUser.is_staff,
  is_superuser: authUser.is_superuser,
  is_active: authUser.is_active,
};

/**
 * Maps a row without Drizzle. Every authenticated request does this, and Drizzle's mapper would take
 * twice as long.
 */
export const toUser = ([
  id,
  username,
  first_name,
  last_name,
  email,
  is_staff,
  is_superuser,
  is_active,
]: [...UserRow, ...unknown[]]): FoundToken['user'] => ({
  id: exactId(id),
  username,
  first_name,
  last_name,
  email,
  is_staff: Boolean(is_staff),
  is_superuser: Boolean(is_superuser),
  is_active: Boolean(is_active),
});

/** Whether a token has expired. Django's datetime texts sort by time. */
export const isPast = (
  expiry: string | null | undefined,
  now = djangoDatetime(new Date()),
): boolean => expiry !== undefined && expiry !== null && expiry < now;

/** Matches the user `id` if its stored password is `password`. Used for compare-and-swap. */
export const hasPassword = and(
  eq(authUser.id, placeholder('id')),
  eq(authUser.password, placeholder('password')),
);

/** Matches the active user `user_id` if its stored password is `password`. */
export const mayLogIn = and(
  eq(authUser.id, placeholder('user_id')),
  eq(authUser.password, placeholder('password')),
  eq(authUser.is_active, true),
);

/** Hexadecimal digits of the id of a token: 64 bits of its digest. */
const TOKEN_ID_LENGTH = 16;

/** The id of a token in a list. It does not reveal the token, and names it among those of its user. */
export const tokenIdOf = ({ digest }: { digest: string }): string =>
  digest.slice(0, TOKEN_ID_LENGTH);

export const TOKEN_ID = /^[0-9a-f]{16}$/;

/** Sorts after each hexadecimal digit. */
const AFTER_DIGITS = 'g';

/** Whether the user of `auth_user.id` has a token of either model. */
export const HAS_TOKEN = `(
  exists (select 1 from authtoken_token where authtoken_token.user_id = auth_user.id)
  or exists (select 1 from knox_authtoken where knox_authtoken.user_id = auth_user.id))`;

/** The same for Drizzle, which would omit the names of the tables. */
export const hasToken = sql.raw(HAS_TOKEN);

/** Deletes the tokens of the users that a condition selects, from each of both tables. */
export function deleteTokensOf(d1: D1Database, db: DrizzleD1Database, user: SQL | undefined) {
  const userIds = db.select({ id: authUser.id }).from(authUser).where(user);
  const authtoken = db.delete(authtokenToken).where(inArray(authtokenToken.user_id, userIds));
  const knox = db.delete(knoxAuthtoken).where(inArray(knoxAuthtoken.user_id, userIds));
  return { authtoken: statement(d1, authtoken), knox: statement(d1, knox) };
}

export function revocationQueries(d1: D1Database, db: DrizzleD1Database) {
  const deleteByKey = statement(
    d1,
    db.delete(authtokenToken).where(eq(authtokenToken.key, placeholder('key'))),
  );
  const deleteByDigest = statement(
    d1,
    db.delete(knoxAuthtoken).where(eq(knoxAuthtoken.digest, placeholder('digest'))),
  );
  const deleteOfUser = [
    statement(d1, db.delete(authtokenToken).where(eq(authtokenToken.user_id, placeholder('id')))),
    statement(d1, db.delete(knoxAuthtoken).where(eq(knoxAuthtoken.user_id, placeholder('id')))),
  ];
  const selectById = statement(
    d1,
    db
      .select({ digest: knoxAuthtoken.digest })
      .from(knoxAuthtoken)
      .where(
        and(
          // The plus keeps SQLite from the index of this column, by which it would read all tokens of the user.
          sql`+${knoxAuthtoken.user_id} = ${placeholder('user_id')}`,
          gte(knoxAuthtoken.digest, placeholder('from')),
          lt(knoxAuthtoken.digest, placeholder('to')),
        ),
      ),
  );
  const selectKeyOfUser = statement(
    d1,
    db
      .select({ key: authtokenToken.key })
      .from(authtokenToken)
      .where(eq(authtokenToken.user_id, placeholder('user_id'))),
  );

  return {
    /** Deletes a token of either model. */
    async deleteToken(key: string): Promise<void> {
      const { digest } = storedToken(key);
      await runWriteWithRetry(() => d1.batch([deleteByKey({ key }), deleteByDigest({ digest })]));
    },

    /** Deletes all tokens of a user. */
    async deleteTokens(userId: number): Promise<void> {
      await runWriteWithRetry(() =>
        d1.batch(deleteOfUser.map((delete_) => delete_({ id: userId }))),
      );
    },

    /**
     * Deletes the token of a user that has an id (`tokenIdOf`). Two round trips, so that a retry after a lost
     * response does not miss the token that the first run has deleted.
     *
     * @returns whether the user had the token
     */
    async deleteTokenById(userId: number, id: string): Promise<boolean> {
      const [knox, plain] = await runRead(() =>
        d1.batch<{ digest?: string; key?: string }>([
          selectById({ user_id: userId, from: id, to: id + AFTER_DIGITS }),
          selectKeyOfUser({ user_id: userId }),
        ]),
      );
      const keys = (plain?.results ?? [])
        .map(({ key = '' }) => key)
        .filter((key) => tokenIdOf(storedToken(key)) === id);
      // The command `hash_tokens` may move a token of DRF in the meantime.
      const digests = [
        ...(knox?.results ?? []).map(({ digest = '' }) => digest),
        ...keys.map((key) => storedToken(key).digest),
      ];
      const deletions = [
        ...digests.map((digest) => deleteByDigest({ digest })),
        ...keys.map((key) => deleteByKey({ key })),
      ];
      if (deletions.length === 0) return false;
      await runWriteWithRetry(() => d1.batch(deletions));
      return true;
    },
  };
}
