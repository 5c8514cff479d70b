import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import * as v from 'valibot';
import { authtokenToken, authUser } from './schema.ts';

/**
 * Deletes a user with its token, unless a row of another table refers to the user.
 *
 * @param condition a further condition on the user
 * @returns the user if it is still there, and the columns that may refer to it
 */
export async function deleteUserUnlessReferenced(
  d1: D1Database,
  id: number,
  condition?: SQL,
): Promise<{ password: string; references: Reference[] } | undefined> {
  const db = drizzle(d1);
  const references = await referencesToUser(d1);
  const isToDelete = and(
    eq(authUser.id, id),
    condition,
    ...references.map((reference) => sql`not exists (${rowsOf(reference, id)})`),
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
  return remaining && { ...remaining, references };
}

/** The rows of a reference to the user. */
const rowsOf = ({ table, column }: Reference, id: number): SQL =>
  sql`select 1 from ${sql.identifier(table)} where ${sql.identifier(column)} = ${id}`;

/** The references that have rows for the user, and how many. */
export async function countReferences(
  d1: D1Database,
  id: number,
  references: Reference[],
): Promise<(Reference & { rows: number })[]> {
  const counted = [];
  for (const reference of references) {
    const rows = await drizzle(d1).$count(sql`(${rowsOf(reference, id)})`);
    if (rows > 0) counted.push({ ...reference, rows });
  }
  return counted;
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

/** A column of another table that refers to a user. */
type Reference = v.InferOutput<typeof References>[number];
