import { and, eq, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import { authtokenToken, authUser } from './schema.ts';

export function tokenQueries(db: DrizzleD1Database) {
  const { placeholder } = sql;

  const selectByKey = db
    .select({
      user: {
        id: authUser.id,
        username: authUser.username,
        first_name: authUser.first_name,
        last_name: authUser.last_name,
        email: authUser.email,
        is_staff: authUser.is_staff,
        is_superuser: authUser.is_superuser,
        is_active: authUser.is_active,
      },
      token: { key: authtokenToken.key, created: authtokenToken.created },
    })
    .from(authtokenToken)
    .innerJoin(authUser, eq(authUser.id, authtokenToken.user_id))
    .where(eq(authtokenToken.key, placeholder('key')))
    .prepare();

  const insertOrSelect = db
    .insert(authtokenToken)
    .select(
      db
        .select({
          key: sql`${placeholder('key')}`.as('key'),
          created: sql`${placeholder('created')}`.as('created'),
          user_id: authUser.id,
        })
        .from(authUser)
        .where(
          and(
            eq(authUser.id, placeholder('user_id')),
            eq(authUser.password, placeholder('password')),
            eq(authUser.is_active, true),
          ),
        ),
    )
    // A no-op on purpose: RETURNING is silent about rows that a conflict left alone.
    .onConflictDoUpdate({
      target: authtokenToken.user_id,
      set: { user_id: sql`excluded.user_id` },
    })
    .returning({ key: authtokenToken.key })
    .prepare();

  return {
    /** A token and its user, in one indexed look-up (2 rows read). */
    findToken: (key: string) => selectByKey.get({ key }),

    /**
     * The user's token: the one it has, or `token` as its first; whoever asks at the same time gets
     * the same one.
     *
     * @param password the encoding that was verified: where it has changed since, or the user is gone
     *   or inactive, the answer is undefined and nothing is inserted
     */
    async getOrCreateToken(
      userId: number,
      password: string,
      token: { key: string; created: string },
    ): Promise<string | undefined> {
      const row = await insertOrSelect.get({ ...token, user_id: userId, password });
      return row?.key;
    },
  };
}
