/** The tokens of DRF: one for each user, in plain text (rest_framework/authtoken/models.py). */
import { eq, type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import type { Settings } from '../settings.ts';
import { runRead, runWriteWithRetry } from './d1-errors.ts';
import { authtokenToken, authUser } from './schema.ts';
import { statement } from './statement.ts';
import { storedToken } from './stored-token.ts';
import {
  hasPassword,
  mayLogIn,
  type TokenQueries,
  toUser,
  type UserRow,
  userColumns,
} from './tokens.ts';

const { placeholder } = sql;

type TokenRow = [...UserRow, created: string];

/** Selects the row of a new token for the matching user, or no row. */
const newTokenOf = (db: DrizzleD1Database, user: SQL | undefined) =>
  db
    .select({
      key: sql`${placeholder('key')}`.as('key'),
      created: sql`${placeholder('created')}`.as('created'),
      user_id: authUser.id,
    })
    .from(authUser)
    .where(user);

export function authtokenQueries(
  d1: D1Database,
  db: DrizzleD1Database,
  reads: Settings['tokenReads'],
): TokenQueries {
  const { sql: selectByKey } = db
    .select({ ...userColumns, created: authtokenToken.created })
    .from(authtokenToken)
    .innerJoin(authUser, eq(authUser.id, authtokenToken.user_id))
    .where(eq(authtokenToken.key, placeholder('key')))
    .toSQL();
  const primary = d1.prepare(selectByKey);

  async function select(statement: D1PreparedStatement, key: string) {
    const [row] = await runRead(() => statement.bind(key).raw<TokenRow>());
    if (!row) return undefined;
    return { user: toUser(row), token: { key, created: row[8] } };
  }

  async function selectNearest(key: string) {
    const nearest = d1.withSession('first-unconstrained').prepare(selectByKey);
    // A replica may lag behind, so a new token may be only in the primary database.
    return (await select(nearest, key)) ?? select(primary, key);
  }

  const isExpired = sql`${authtokenToken.created} < ${placeholder('expired_before')}`;

  const getOrCreate = statement(
    d1,
    db
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
      .returning({ key: authtokenToken.key, created: authtokenToken.created }),
  );

  const setLastLogin = statement(
    d1,
    db
      .update(authUser)
      .set({ last_login: sql`${placeholder('now')}` })
      .where(mayLogIn),
  );

  const selectOfUser = db
    .select({ key: authtokenToken.key, created: authtokenToken.created })
    .from(authtokenToken)
    .where(eq(authtokenToken.user_id, placeholder('user_id')))
    .prepare();

  const insertOfUsername = statement(
    d1,
    db.insert(authtokenToken).values({
      key: placeholder('key'),
      created: placeholder('created'),
      user_id: sql`(select ${authUser.id} from ${authUser} where ${authUser.username} = ${placeholder('username')})`,
    }),
  );

  const insertIfPassword = statement(
    d1,
    db
      .insert(authtokenToken)
      .select(newTokenOf(db, hasPassword))
      .returning({ key: authtokenToken.key }),
  );

  return {
    findToken: reads === 'nearest' ? selectNearest : (key: string) => select(primary, key),
    findCurrentToken: (key) => select(primary, key),

    /** Stores the token only if the user has none or an expired one. Concurrent logins get the same. */
    async storeLogin({ userId, password, token, lastLogin, expiredBefore = '' }) {
      const values = { user_id: userId, password };
      const insert = getOrCreate({
        ...values,
        key: token.key,
        created: token.created,
        expired_before: expiredBefore,
      });
      const all =
        lastLogin === undefined ? [insert] : [insert, setLastLogin({ ...values, now: lastLogin })];
      const [stored] = await runWriteWithRetry(() =>
        d1.batch<{ key: string; created: string }>(all),
      );
      return stored?.results[0];
    },

    async listTokens(userId) {
      const token = await runRead(() => selectOfUser.get({ user_id: userId }));
      return token ? [{ ...storedToken(token.key), created: token.created }] : [];
    },

    insertTokenOfUsername: ({ key, created }, username) =>
      insertOfUsername({ key, created, username }),

    insertTokenIfPassword: ({ key, created }, id, password) =>
      insertIfPassword({ key, created, id, password }),
  };
}
