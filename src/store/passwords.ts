import { and, eq, inArray, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import { runRead, runWriteWithRetry } from './d1-errors.ts';
import { authtokenToken, authUser, type NewToken } from './schema.ts';
import { statement } from './statement.ts';
import { newTokenOf } from './tokens.ts';

const { placeholder } = sql;

/** Matches the user `id` if its stored password is `password`. Used for compare-and-swap. */
const hasPassword = and(
  eq(authUser.id, placeholder('id')),
  eq(authUser.password, placeholder('password')),
);

export function passwordQueries(d1: D1Database, db: DrizzleD1Database) {
  const selectPassword = db
    .select({ password: authUser.password })
    .from(authUser)
    .where(eq(authUser.id, placeholder('id')))
    .prepare();

  const updatePassword = statement(
    d1,
    db
      .update(authUser)
      .set({ password: sql`${placeholder('new_password')}` })
      .where(hasPassword),
  );

  /** Replaces the user's token if its password is `password`. Returns a row if it did. */
  const replaceTokenIfPassword = statement(
    d1,
    db
      .insert(authtokenToken)
      .select(newTokenOf(db, hasPassword))
      .onConflictDoUpdate({
        target: authtokenToken.user_id,
        set: { key: sql`excluded.key`, created: sql`excluded.created` },
      })
      .returning({ key: authtokenToken.key }),
  );

  /** Deletes the user's token if its password is `password`. */
  const deleteTokenIfPassword = statement(
    d1,
    db
      .delete(authtokenToken)
      .where(
        inArray(
          authtokenToken.user_id,
          db.select({ id: authUser.id }).from(authUser).where(hasPassword),
        ),
      ),
  );

  const selectIfPassword = statement(
    d1,
    db.select({ id: authUser.id }).from(authUser).where(hasPassword),
  );

  return {
    /** The stored password; undefined if the user does not exist. */
    async findPassword(id: number): Promise<string | undefined> {
      const row = await runRead(() => selectPassword.get({ id }));
      return row?.password;
    },

    /**
     * Replaces the stored password if it is still `password` (compare-and-swap).
     *
     * @returns whether it was replaced
     */
    async replacePassword(id: number, password: string, newPassword: string): Promise<boolean> {
      const { meta } = await runWriteWithRetry(() =>
        updatePassword({ id, password, new_password: newPassword }).run(),
      );
      return meta.changes > 0;
    },

    /**
     * Replaces the stored password if it is still `password`, and keeps the token. Unlike
     * `replacePassword`, it recognizes its own change in a retry.
     *
     * @returns whether the password was replaced
     */
    replacePasswordAndKeepToken(
      id: number,
      password: string,
      newPassword: string,
    ): Promise<boolean> {
      return runWriteWithRetry(async () => {
        const [, replaced] = await d1.batch([
          updatePassword({ id, password, new_password: newPassword }),
          selectIfPassword({ id, password: newPassword }),
        ]);
        // Not the count of the first statement, for the reason below.
        return replaced?.results.length === 1;
      });
    },

    /**
     * Replaces the stored password and the token, both or neither, if the stored password is still
     * `password`.
     *
     * @returns whether they were replaced
     */
    replacePasswordAndToken(
      id: number,
      password: string,
      newPassword: string,
      token: NewToken,
    ): Promise<boolean> {
      return runWriteWithRetry(async () => {
        const [, replaced] = await d1.batch([
          updatePassword({ id, password, new_password: newPassword }),
          replaceTokenIfPassword({ ...token, id, password: newPassword }),
        ]);
        // Not the count of the first statement: a retry after a lost response changes no row there.
        return replaced?.results.length === 1;
      });
    },

    /**
     * Replaces the stored password and deletes the token, both or neither, if the stored password
     * is still `password`.
     *
     * @returns whether the password was replaced
     */
    replacePasswordAndDeleteToken(
      id: number,
      password: string,
      newPassword: string,
    ): Promise<boolean> {
      return runWriteWithRetry(async () => {
        const [, , replaced] = await d1.batch([
          updatePassword({ id, password, new_password: newPassword }),
          deleteTokenIfPassword({ id, password: newPassword }),
          selectIfPassword({ id, password: newPassword }),
        ]);
        // Do not use the count of the first statement, for the same reason.
        return replaced?.results.length === 1;
      });
    },
  };
}
