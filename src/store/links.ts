/** Links in e-mails: whose they are, and what the one of an activation does. */
import { and, eq, isNull, notExists, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import { authtokenToken, authUser } from './schema.ts';
import { statement } from './statement.ts';
import { reading, writing } from './unavailable.ts';

const { placeholder } = sql;

export function linkQueries(d1: D1Database, db: DrizzleD1Database) {
  const select = () =>
    db
      .select({
        id: authUser.id,
        username: authUser.username,
        first_name: authUser.first_name,
        last_name: authUser.last_name,
        email: authUser.email,
        password: authUser.password,
        last_login: authUser.last_login,
        is_active: authUser.is_active,
        token_key: authtokenToken.key,
      })
      .from(authUser)
      .leftJoin(authtokenToken, eq(authtokenToken.user_id, authUser.id));

  const selectById = select()
    .where(eq(authUser.id, placeholder('id')))
    .prepare();

  const selectByEmail = select()
    .where(sql`${authUser.email} = ${placeholder('email')} collate nocase`)
    .orderBy(authUser.id)
    .limit(placeholder('limit'))
    .prepare();

  const activate = statement(
    d1,
    db
      .update(authUser)
      .set({ is_active: true, last_login: sql`${placeholder('now')}` })
      .where(
        and(
          eq(authUser.id, placeholder('id')),
          eq(authUser.is_active, false),
          isNull(authUser.last_login),
          notExists(
            db
              .select({ one: sql`1` })
              .from(authtokenToken)
              .where(eq(authtokenToken.user_id, authUser.id)),
          ),
        ),
      ),
  );

  const selectLastLogin = statement(
    d1,
    db
      .select({ last_login: authUser.last_login })
      .from(authUser)
      .where(eq(authUser.id, placeholder('id'))),
  );

  return {
    findUserById: (id: number) => reading(() => selectById.get({ id })),

    /**
     * Users whose address is this one, in any case of ASCII letters (Django's `iexact` on SQLite),
     * in the order of their ids.
     */
    findUsersByEmail: (email: string, limit: number) =>
      reading(() => selectByEmail.all({ email, limit })),

    /**
     * Makes a user active who never was: inactive, without a last login and without a token.
     *
     * @param now becomes the last login. Django's datetime text
     * @returns whether there was such a user
     */
    activateUser(id: number, now: string): Promise<boolean> {
      return writing(async () => {
        const [, stored] = await d1.batch<{ last_login: string | null }>([
          activate({ id, now }),
          selectLastLogin({ id }),
        ]);
        return stored?.results[0]?.last_login === now;
      });
    },
  };
}
