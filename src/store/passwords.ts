import { eq, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import { runRead, runWriteWithRetry } from './d1-errors.ts';
import { authUser } from './schema.ts';
import { statement } from './statement.ts';
import type { PlainToken } from './stored-token.ts';
import { deleteTokensOf, hasPassword, type TokenQueries } from './tokens.ts';

const { placeholder } = sql;

export function passwordQueries(
  d1: D1Database,
  db: DrizzleD1Database,
  insertTokenIfPassword: TokenQueries['insertTokenIfPassword'],
) {
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

  const deleteIfPassword = deleteTokensOf(d1, db, hasPassword);

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
     * Replaces the stored password if it is still `password`, and keeps the tokens. Unlike
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
     * Replaces the stored password, and all tokens by one, both or neither, if the stored password is
     * still `password`.
     *
     * @returns whether they were replaced
     */
    replacePasswordAndToken(
      id: number,
      password: string,
      newPassword: string,
      token: PlainToken,
    ): Promise<boolean> {
      return runWriteWithRetry(async () => {
        const results = await d1.batch([
          updatePassword({ id, password, new_password: newPassword }),
          deleteIfPassword.authtoken({ id, password: newPassword }),
          deleteIfPassword.knox({ id, password: newPassword }),
          insertTokenIfPassword(token, id, newPassword),
        ]);
        // Not the count of the first statement: a retry after a lost response changes no row there.
        return results.at(-1)?.results.length === 1;
      });
    },

    /**
     * Replaces the stored password and deletes all tokens, both or neither, if the stored password is
     * still `password`.
     *
     * @returns whether the password was replaced
     */
    replacePasswordAndDeleteToken(
      id: number,
      password: string,
      newPassword: string,
    ): Promise<boolean> {
      return runWriteWithRetry(async () => {
        const results = await d1.batch([
          updatePassword({ id, password, new_password: newPassword }),
          deleteIfPassword.authtoken({ id, password: newPassword }),
          deleteIfPassword.knox({ id, password: newPassword }),
          selectIfPassword({ id, password: newPassword }),
        ]);
        // Do not use the count of the first statement, for the same reason.
        return results.at(-1)?.results.length === 1;
      });
    },
  };
}
