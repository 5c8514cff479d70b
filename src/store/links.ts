/** Finds the users for links in e-mails, and makes the changes that links allow. */
import { and, eq, isNull, not, type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import { isUniqueViolation, runRead, runWriteWithRetry } from './d1-errors.ts';
import { exactId } from './exact-id.ts';
import { authUser } from './schema.ts';
import { statement } from './statement.ts';
import { deleteTokensOf, hasToken } from './tokens.ts';

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
      has_token: sql`${hasToken}`.mapWith(Boolean),
    })
    .from(authUser)
    .where(eq(authUser.id, placeholder('id')))
    .prepare();

  const wasNeverActive = and(
    eq(authUser.is_active, false),
    isNull(authUser.last_login),
    not(hasToken),
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

  const rename = statement(
    d1,
    db
      .update(authUser)
      .set({
        username: sql`${placeholder('username')}`,
        last_login: sql`${placeholder('now')}`,
      })
      .where(
        and(
          eq(authUser.id, placeholder('id')),
          eq(authUser.password, placeholder('password')),
          sql`${authUser.last_login} is ${placeholder('last_login')}`,
          eq(authUser.email, placeholder('email')),
        ),
      ),
  );

  const selectIfRenamed = statement(
    d1,
    db
      .select({ id: authUser.id })
      .from(authUser)
      .where(
        and(
          eq(authUser.id, placeholder('id')),
          eq(authUser.username, placeholder('username')),
          eq(authUser.last_login, placeholder('now')),
        ),
      ),
  );

  /** With a password, only while it is the stored one. */
  const isToVerify = and(
    eq(authUser.id, placeholder('id')),
    sql`${authUser.password} = coalesce(${placeholder('password')}, ${authUser.password})`,
  );

  const deleteIfToVerify = deleteTokensOf(d1, db, isToVerify);

  const changeEmail = statement(
    d1,
    db
      .update(authUser)
      .set({ email: sql`${placeholder('email')}`, is_active: false, last_login: null })
      .where(isToVerify)
      .returning({ id: authUser.id }),
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

    /**
     * Sets the username and the last login of the user of a link. The fields of the link must still be
     * those that are stored.
     *
     * @param link the fields of the user that the link was checked against
     * @param now the new last login, as Django's datetime string
     * @returns `changed` if another request came first
     */
    async renameByLink(
      link: { id: number; password: string; last_login: string | null; email: string },
      username: string,
      now: string,
    ): Promise<'renamed' | 'changed' | 'username-taken'> {
      const { id } = link;
      try {
        const [, renamed] = await runWriteWithRetry(() =>
          d1.batch([rename({ ...link, username, now }), selectIfRenamed({ id, username, now })]),
        );
        return renamed?.results.length === 1 ? 'renamed' : 'changed';
      } catch (error) {
        if (isUniqueViolation(error, 'auth_user.username')) return 'username-taken';
        throw error;
      }
    },

    /**
     * Sets a new address that must be verified: the user waits for activation, like a new user. Deletes
     * the tokens.
     *
     * @param password the expected stored password; undefined for any
     * @returns whether the user was changed
     */
    async changeEmailToVerify(id: number, email: string, password?: string): Promise<boolean> {
      const values = { id, password: password ?? null };
      const results = await runWriteWithRetry(() =>
        d1.batch([
          deleteIfToVerify.authtoken(values),
          deleteIfToVerify.knox(values),
          changeEmail({ ...values, email }),
        ]),
      );
      return results.at(-1)?.results.length === 1;
    },
  };
}
