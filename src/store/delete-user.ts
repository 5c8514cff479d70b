import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import * as v from 'valibot';
import { authtokenToken, authUser } from './schema.ts';

/**
 * Deletes a user with its token, unless a row of another table refers to the user.
 *
 * @param condition a further condition on the user
 * @returns the user if it is still there
 */
export async function deleteUserUnlessReferenced(
  d1: D1Database,
  id: number,
  condition?: SQL,
): Promise<{ password: string } | undefined> {
  const db = drizzle(d1);
  const isToDelete = and(
    eq(authUser.id, id),
    condition,
    ...(await referencesToUser(d1)).map(
      ({ table, column }) =>
        sql`not exists (select 1 from ${sql.identifier(table)} where ${sql.identifier(column)} = ${id})`,
    ),
  );
  const [, , [remaining]] = await db.batch([
    db
      .delete(authtokenToken)
      .where(
        inArray(
          authtokenToken.user_id,
          db.select({ id: authUser.id }).from(authUser).where(isToDelete),
        ),
      ),
    db.delete(authUser).where(isToDelete),
    db.select({ password: authUser.password }).from(authUser).where(eq(authUser.id, id)),
  ]);
  return remaining;
}

/**
 * Finds the columns of other tables that refer to a user. Django's foreign keys are checked when a
 * transaction ends. If that check fails, D1 returns an internal error and resets the object of the
 * database. So references are checked beforehand.
 */
async function referencesToUser(d1: D1Database) {
  const { results } = await d1
    .prepare(
      // D1 does not allow queries about its own tables, _cf_*.
      `WITH tables AS MATERIALIZED (
         SELECT name FROM sqlite_master
          WHERE type = 'table' AND name <> 'authtoken_token' AND name NOT GLOB '_cf_*'
       )
       SELECT name AS "table", f."from" AS "column"
         FROM tables JOIN pragma_foreign_key_list(name) AS f
        WHERE f."table" = 'auth_user'`,
    )
    .all();
  return v.parse(References, results);
}

const References = v.array(v.object({ table: v.string(), column: v.string() }));
