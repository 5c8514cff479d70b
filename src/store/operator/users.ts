/** Queries of the command line for one account at a time. */
import { and, eq, gt, like, ne, or, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { AnySQLiteColumn } from 'drizzle-orm/sqlite-core';
import { countReferences, deleteUser } from '../delete-user.ts';
import { exactId } from '../exact-id.ts';
import { authtokenToken, authUser, type NewUser } from '../schema.ts';
import { deactivated } from '../staff.ts';

export type OperatorStore = ReturnType<typeof operatorQueries>;

type TokenOfUser = typeof authtokenToken.$inferInsert;

export function operatorQueries(d1: D1Database) {
  const db = drizzle(d1);

  return {
    async findUser(username: string) {
      const user = await db
        .select({
          id: authUser.id,
          username: authUser.username,
          first_name: authUser.first_name,
          last_name: authUser.last_name,
          email: authUser.email,
          is_active: authUser.is_active,
          is_staff: authUser.is_staff,
          is_superuser: authUser.is_superuser,
        })
        .from(authUser)
        .where(eq(authUser.username, username))
        .get();
      if (user) exactId(user.id);
      return user;
    },

    /** Names of users with this name in another case of ASCII letters, or with this address. */
    async namesLike(nameOrEmail: string, limit: number): Promise<string[]> {
      const isLike = (column: AnySQLiteColumn) => sql`${column} = ${nameOrEmail} collate nocase`;
      const users = await db
        .select({ username: authUser.username })
        .from(authUser)
        .where(or(isLike(authUser.username), isLike(authUser.email)))
        .orderBy(authUser.id)
        .limit(limit);
      return users.map(({ username }) => username);
    },

    /** Whether an active user other than this one is a superuser. */
    async hasOtherSuperuser(id: number): Promise<boolean> {
      const others = await db
        .select({ id: authUser.id })
        .from(authUser)
        .where(and(ne(authUser.id, id), authUser.is_superuser, authUser.is_active))
        .limit(1);
      return others.length > 0;
    },

    /** @returns false if the username is taken */
    async insertUser(user: NewUser): Promise<boolean> {
      const { meta } = await db
        .insert(authUser)
        .values(user)
        .onConflictDoNothing({ target: authUser.username })
        .run();
      return meta.changes > 0;
    },

    async setPassword(id: number, encoded: string): Promise<void> {
      await db.update(authUser).set({ password: encoded }).where(eq(authUser.id, id)).run();
    },

    async activate(id: number): Promise<void> {
      await db.update(authUser).set({ is_active: true }).where(eq(authUser.id, id)).run();
    },

    /** @param now the last login of a user who has none yet. Django's datetime text */
    async deactivate(id: number, now: string): Promise<void> {
      await db.update(authUser).set(deactivated(now)).where(eq(authUser.id, id)).run();
    },

    /** Returns the token of the user, or inserts `token` if there is none. */
    async getOrCreateToken(token: TokenOfUser): Promise<string> {
      const { key } = await db
        .insert(authtokenToken)
        .values(token)
        // Changes nothing. RETURNING gives no row if a conflict changes nothing at all.
        .onConflictDoUpdate({
          target: authtokenToken.user_id,
          set: { user_id: sql`excluded.user_id` },
        })
        .returning({ key: authtokenToken.key })
        .get();
      return key;
    },

    async setEmail(id: number, email: string): Promise<void> {
      await db.update(authUser).set({ email }).where(eq(authUser.id, id)).run();
    },

    async setRights(
      id: number,
      rights: { is_staff?: boolean; is_superuser?: boolean },
    ): Promise<void> {
      await db.update(authUser).set(rights).where(eq(authUser.id, id)).run();
    },

    /** @returns undefined, or what refers to the user, if the database refuses to delete it */
    async deleteUser(id: number) {
      const isDeleted = (await deleteUser(d1, id)) === 'deleted';
      return isDeleted ? undefined : countReferences(d1, id);
    },

    /** @returns whether the user had a token */
    async deleteToken(userId: number): Promise<boolean> {
      const { meta } = await db
        .delete(authtokenToken)
        .where(eq(authtokenToken.user_id, userId))
        .run();
      return meta.changes > 0;
    },

    /** Replaces the token of the user. */
    async replaceToken(token: TokenOfUser): Promise<void> {
      await db.batch([
        db.delete(authtokenToken).where(eq(authtokenToken.user_id, token.user_id)),
        db.insert(authtokenToken).values(token),
      ]);
    },

    /**
     * Users whose names or address contain `search`, in any case of ASCII letters. They are in the
     * order of ids.
     *
     * @param afterId only users with a higher id are returned
     */
    searchUsers: (search: string, limit: number, afterId = Number.MIN_SAFE_INTEGER) =>
      db
        .select({
          id: authUser.id,
          username: authUser.username,
          email: authUser.email,
          is_active: authUser.is_active,
          is_staff: authUser.is_staff,
          is_superuser: authUser.is_superuser,
          date_joined: authUser.date_joined,
          has_token: sql<number>`${authtokenToken.key} is not null`,
        })
        .from(authUser)
        .leftJoin(authtokenToken, eq(authtokenToken.user_id, authUser.id))
        .where(and(isFoundBy(search), gt(authUser.id, afterId)))
        .orderBy(authUser.id)
        .limit(limit),

    /** How many users `searchUsers` finds in all. */
    countFound: (search: string): Promise<number> => db.$count(authUser, isFoundBy(search)),
  };
}

/** Whether a name or the address of a user contains a text, in any case of ASCII letters. */
function isFoundBy(search: string) {
  const pattern = `%${search.replace(/[\\%_]/g, '\\$&')}%`;
  const contains = (column: AnySQLiteColumn) => sql`${like(column, pattern)} escape '\\'`;
  return or(
    contains(authUser.username),
    contains(authUser.first_name),
    contains(authUser.last_name),
    contains(authUser.email),
  );
}
