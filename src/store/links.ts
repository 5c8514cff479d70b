/** Finds the users for links in e-mails, and activates a user. */
import { and, eq, isNull, notExists, type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import { runRead, runWriteWithRetry } from './d1-errors.ts';
import { exactId } from './exact-id.ts';
import { authtokenToken, authUser } from './schema.ts';
import { statement } from './statement.ts';

const { placeholder } = sql;

export function linkQueries(d1: D1Database, db: DrizzleD1Database) {
  const linked = {
    id: authUser.id,
    username: authUser.username,
    email: authUser.email,
    password: authUser.password,
    last_login: authUser.last_login,
  };

  const selectById = db
    .select({
      ...linked,
      first_name: authUser.first_name,
      last_name: authUser.last_name,
      is_active: authUser.is_active,
      token_key: authtokenToken.key,
    })
    .from(authUser)
    .leftJoin(authtokenToken, eq(authtokenToken.user_id, authUser.id))
    .where(eq(authUser.id, placeholder('id')))
    .prepare();

  const wasNeverActive = and(
    eq(authUser.is_active, false),
    isNull(authUser.last_login),
    notExists(
      db
        .select({ one: sql`1` })
        .from(authtokenToken)
        .where(eq(authtokenToken.user_id, authUser.id)),
    ),
  );

  /** Finds the users of an address: all up to a limit, or only the user with the username. */
  function selectByEmail(condition: SQL | undefined) {
    const ofAddress = and(
      sql`${authUser.email} = ${placeholder('email')} collate nocase`,
      // `is_password_usable` (django/contrib/auth/hashers.py).
      sql`${authUser.password} not like '!%'`,
      condition,
    );
    const all = db
      .select(linked)
      .from(authUser)
      .where(ofAddress)
      .orderBy(authUser.id)
      .limit(placeholder('limit'))
      .prepare();
    const one = db
      .select(linked)
      .from(authUser)
      .where(and(eq(authUser.username, placeholder('username')), ofAddress))
      .prepare();
    return async (email: string, username: string, limit: number) => {
      const users = await runRead(() =>
        username === '' ? all.all({ email, limit }) : one.all({ email, username }),
      );
      for (const { id } of users) exactId(id);
      return users;
    };
  }

  const activate = statement(
    d1,
    db
      .update(authUser)
      .set({ is_active: true, last_login: sql`${placeholder('now')}` })
      .where(and(eq(authUser.id, placeholder('id')), wasNeverActive)),
  );

  const selectLastLogin = statement(
    d1,
    db
      .select({ last_login: authUser.last_login })
      .from(authUser)
      .where(eq(authUser.id, placeholder('id'))),
  );

  return {
    async findUserById(id: number) {
      const user = await runRead(() => selectById.get({ id }));
      if (user) exactId(user.id);
      return user;
    },

    /**
     * Finds active users of an address whose password is usable, ordered by id. The case of ASCII
     * letters is ignored (Django's `iexact` on SQLite).
     *
     * Reads the users of the address until `limit` users match. With a username, reads only that
     * user.
     *
     * @param username empty for all users of the address
     */
    findUsersToReset: selectByEmail(eq(authUser.is_active, true)),

    /** Finds users of an address who were never active and whose password is usable. */
    findUsersToActivate: selectByEmail(wasNeverActive),

    /**
     * Activates a user who was never active: inactive, without a last login and without a token.
     *
     * @param now the new last login, as Django's datetime string
     * @returns whether the user was activated
     */
    activateUser(id: number, now: string): Promise<boolean> {
      return runWriteWithRetry(async () => {
        const [, stored] = await d1.batch<{ last_login: string | null }>([
          activate({ id, now }),
          selectLastLogin({ id }),
        ]);
        return stored?.results[0]?.last_login === now;
      });
    },
  };
}
