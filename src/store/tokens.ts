import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import type { Settings } from '../settings.ts';
import { runRead, runWriteWithRetry } from './d1-errors.ts';
import { exactId } from './exact-id.ts';
import { authtokenToken, authUser } from './schema.ts';
import { statement } from './statement.ts';

const { placeholder } = sql;

/** A row of `selectByKey` as D1 returns it: the columns in the order of the query. */
type TokenRow = [
  id: number,
  username: string,
  first_name: string,
  last_name: string,
  email: string,
  is_staff: number,
  is_superuser: number,
  is_active: number,
  created: string,
];

/**
 * Selects the row of a new token for the matching user, or no row. `key` and `created` are
 * placeholders.
 */
export const newTokenOf = (db: DrizzleD1Database, user: SQL | undefined) =>
  db
    .select({
      key: sql`${placeholder('key')}`.as('key'),
      created: sql`${placeholder('created')}`.as('created'),
      user_id: authUser.id,
    })
    .from(authUser)
    .where(user);

export function tokenQueries(d1: D1Database, db: DrizzleD1Database, reads: Settings['tokenReads']) {
  const { sql: selectByKey } = db
    .select({
      id: authUser.id,
      username: authUser.username,
      first_name: authUser.first_name,
      last_name: authUser.last_name,
      email: authUser.email,
      is_staff: authUser.is_staff,
      is_superuser: authUser.is_superuser,
      is_active: authUser.is_active,
      created: authtokenToken.created,
    })
    .from(authtokenToken)
    .innerJoin(authUser, eq(authUser.id, authtokenToken.user_id))
    .where(eq(authtokenToken.key, placeholder('key')))
    .toSQL();
  const primary = d1.prepare(selectByKey);

  /**
   * Maps the row without Drizzle. Every authenticated request uses this query, and Drizzle's mapper
   * would take twice as long.
   */
  async function select(statement: D1PreparedStatement, key: string) {
    const [row] = await runRead(() => statement.bind(key).raw<TokenRow>());
    if (!row) return undefined;
    const [id, username, first_name, last_name, email, is_staff, is_superuser, is_active] = row;
    return {
      user: {
        id: exactId(id),
        username,
        first_name,
        last_name,
        email,
        is_staff: Boolean(is_staff),
        is_superuser: Boolean(is_superuser),
        is_active: Boolean(is_active),
      },
      token: { key, created: row[8] },
    };
  }

  async function selectNearest(key: string) {
    const nearest = d1.withSession('first-unconstrained').prepare(selectByKey);
    // A replica may lag behind, so a new token may be only in the primary database.
    return (await select(nearest, key)) ?? select(primary, key);
  }

  const isExpired = sql`${authtokenToken.created} < ${placeholder('expired_before')}`;

  const mayLogIn = and(
    eq(authUser.id, placeholder('user_id')),
    eq(authUser.password, placeholder('password')),
    eq(authUser.is_active, true),
  );

  const insertOrSelect = db
    .insert(authtokenToken)
    .select(newTokenOf(db, mayLogIn))
    // Always update, because RETURNING omits rows that a conflict leaves unchanged.
    .onConflictDoUpdate({
      target: authtokenToken.user_id,
      set: {
        key: sql`case when ${isExpired} then excluded.key else ${authtokenToken.key} end`,
        created: sql`case when ${isExpired} then excluded.created else ${authtokenToken.created} end`,
      },
    })
    .returning({ key: authtokenToken.key });

  const getOrCreate = statement(d1, insertOrSelect);

  const setLastLogin = statement(
    d1,
    db
      .update(authUser)
      .set({ last_login: sql`${placeholder('now')}` })
      .where(mayLogIn),
  );

  const deleteByKey = db
    .delete(authtokenToken)
    .where(eq(authtokenToken.key, placeholder('key')))
    .prepare();

  return {
    /** Finds a token and its user by one indexed lookup (2 rows read). */
    findToken: reads === 'nearest' ? selectNearest : (key: string) => select(primary, key),

    /** As `findToken`, always from the primary database and never from a cache, for the routes of staff. */
    findCurrentToken: (key: string) => select(primary, key),

    /**
     * Returns the user's token. Stores `token` if the user has none or an expired one. Concurrent
     * calls get the same token.
     *
     * @param password the stored encoding that was verified
     * @param expiredBefore tokens created before this datetime are replaced; '' if tokens do not
     *   expire
     * @returns the key; undefined if the password has changed, or the user is deleted or inactive
     */
    async getOrCreateToken(
      userId: number,
      password: string,
      token: { key: string; created: string },
      expiredBefore: string,
    ): Promise<string | undefined> {
      const row = await runWriteWithRetry(() =>
        getOrCreate({
          ...token,
          user_id: userId,
          password,
          expired_before: expiredBefore,
        }).first<{ key: string }>(),
      );
      return row?.key;
    },

    /**
     * Does the same and sets the last login, both or neither.
     *
     * @param now the new last login, as Django's datetime string
     */
    async getOrCreateTokenAtLogin(
      userId: number,
      password: string,
      token: { key: string; created: string },
      expiredBefore: string,
      now: string,
    ): Promise<string | undefined> {
      const values = { user_id: userId, password };
      const [created] = await runWriteWithRetry(() =>
        d1.batch<{ key: string }>([
          getOrCreate({ ...token, ...values, expired_before: expiredBefore }),
          setLastLogin({ ...values, now }),
        ]),
      );
      return created?.results[0]?.key;
    },

    async deleteToken(key: string): Promise<void> {
      await runWriteWithRetry(() => deleteByKey.run({ key }));
    },
  };
}
