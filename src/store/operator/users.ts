/** Queries of the command line for one account at a time. */
import { and, count, eq, gt, like, ne, or, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { AnySQLiteColumn } from 'drizzle-orm/sqlite-core';
import { countReferences, deleteUser } from '../delete-user.ts';
import { exactId } from '../exact-id.ts';
import { authtokenToken, authUser, knoxAuthtoken, type NewUser } from '../schema.ts';
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

    /** How many tokens of both models a user has, expired ones too. */
    async countTokens(userId: number): Promise<number> {
      const [plain, knox] = await db.batch([
        db.select({ rows: count() }).from(authtokenToken).where(eq(authtokenToken.user_id, userId)),
        db.select({ rows: count() }).from(knoxAuthtoken).where(eq(knoxAuthtoken.user_id, userId)),
      ]);
      return [...plain, ...knox].reduce((sum, { rows }) => sum + rows, 0);
    },

    /** Deletes the tokens of both models. @returns how many there were */
    async deleteTokens(userId: number): Promise<number> {
      const deleted = await db.batch([
        db.delete(authtokenToken).where(eq(authtokenToken.user_id, userId)),
        db.delete(knoxAuthtoken).where(eq(knoxAuthtoken.user_id, userId)),
      ]);
      return deleted.reduce((sum, { meta }) => sum + meta.changes, 0);
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
     * @param now tokens that expire before do not count. Django's datetime text
     * @param afterId only users with a higher id are returned
     */
    searchUsers: (search: string, limit: number, now: string, afterId = Number.MIN_SAFE_INTEGER) =>
      db
        .select({ ...LISTED, ...tokensOf(now) })
        .from(authUser)
        .where(and(isFoundBy(search), gt(authUser.id, afterId)))
        .orderBy(authUser.id)
        .limit(limit),

    /** One user, as in `searchUsers`. */
    listedUser: (id: number, now: string) =>
      db
        .select({ ...LISTED, ...tokensOf(now) })
        .from(authUser)
        .where(eq(authUser.id, id))
        .get(),

    /** How many users `searchUsers` finds in all. */
    countFound: (search: string): Promise<number> => db.$count(authUser, isFoundBy(search)),
  };
}

const LISTED = {
  id: authUser.id,
  username: authUser.username,
  email: authUser.email,
  is_active: authUser.is_active,
  is_staff: authUser.is_staff,
  is_superuser: authUser.is_superuser,
};

/** The tokens that a user has: those of DRF, those of knox, and when the last of these expires. */
function tokensOf(now: string) {
  const plain = '(select count(*) from authtoken_token where user_id = auth_user.id)';
  const ofKnox = (what: string, condition: SQL) =>
    sql`(select ${sql.raw(what)} from knox_authtoken where user_id = auth_user.id and ${condition})`;
  const isLive = sql`expiry > ${now}`;
  const isEndless = sql`expiry is null`;
  return {
    plain_tokens: sql<number>`${sql.raw(plain)}`,
    endless_tokens: sql<number>`${ofKnox('count(*)', isEndless)}`,
    expiring_tokens: sql<number>`${ofKnox('count(*)', isLive)}`,
    last_expiry: sql<string | null>`${ofKnox('max(expiry)', isLive)}`,
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
