import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import { authtokenToken, authUser } from './schema.ts';
import { reading, writing } from './unavailable.ts';

const { placeholder } = sql;

/** The columns of `selectByKey`, as D1 gives them. */
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

/** Where a token check may be answered: by the database itself, or by the replica that is nearest. */
export type TokenReads = 'primary' | 'nearest';

/** The row of a new token, `key` and `created` placeholders, for the user that fits; no row where none does. */
export const newTokenOf = (db: DrizzleD1Database, user: SQL | undefined) =>
  db
    .select({
      key: sql`${placeholder('key')}`.as('key'),
      created: sql`${placeholder('created')}`.as('created'),
      user_id: authUser.id,
    })
    .from(authUser)
    .where(user);

export function tokenQueries(d1: D1Database, db: DrizzleD1Database, reads: TokenReads) {
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

  /** Every authenticated request comes through here: decoded by hand, at half the price of Drizzle's mapper. */
  async function select(statement: D1PreparedStatement, key: string) {
    const [row] = await reading(() => statement.bind(key).raw<TokenRow>());
    if (!row) return undefined;
    const [id, username, first_name, last_name, email, is_staff, is_superuser, is_active] = row;
    return {
      user: {
        id,
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
    // A replica may lag behind: a token is good the moment it was issued.
    return (await select(nearest, key)) ?? select(primary, key);
  }

  const isExpired = sql`${authtokenToken.created} < ${placeholder('expired_before')}`;

  const insertOrSelect = db
    .insert(authtokenToken)
    .select(
      newTokenOf(
        db,
        and(
          eq(authUser.id, placeholder('user_id')),
          eq(authUser.password, placeholder('password')),
          eq(authUser.is_active, true),
        ),
      ),
    )
    // Also where nothing is to be changed: RETURNING is silent about rows that a conflict left alone.
    .onConflictDoUpdate({
      target: authtokenToken.user_id,
      set: {
        key: sql`case when ${isExpired} then excluded.key else ${authtokenToken.key} end`,
        created: sql`case when ${isExpired} then excluded.created else ${authtokenToken.created} end`,
      },
    })
    .returning({ key: authtokenToken.key })
    .prepare();

  const deleteByKey = db
    .delete(authtokenToken)
    .where(eq(authtokenToken.key, placeholder('key')))
    .prepare();

  return {
    /** A token and its user, in one indexed look-up (2 rows read). */
    findToken: reads === 'nearest' ? selectNearest : (key: string) => select(primary, key),

    /**
     * The user's token: the one it has, or `token` where it has none or an expired one; whoever asks at
     * the same time gets the same one.
     *
     * @param password the encoding that was verified: where it has changed since, or the user is gone
     *   or inactive, the answer is undefined and nothing is changed
     * @param expiredBefore tokens created before are replaced; '' where tokens do not expire
     */
    async getOrCreateToken(
      userId: number,
      password: string,
      token: { key: string; created: string },
      expiredBefore: string,
    ): Promise<string | undefined> {
      const row = await writing(() =>
        insertOrSelect.get({ ...token, user_id: userId, password, expired_before: expiredBefore }),
      );
      return row?.key;
    },

    async deleteToken(key: string): Promise<void> {
      await writing(() => deleteByKey.run({ key }));
    },
  };
}
