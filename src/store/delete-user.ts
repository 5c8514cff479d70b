/**
 * Deletes a user as the database defines it: the foreign keys of other tables decide what happens to
 * their rows.
 *
 * D1 runs a batch in one transaction. A reference that is checked at once fails its statement, and
 * the batch changes nothing. Django's references are DEFERRABLE INITIALLY DEFERRED: SQLite checks
 * them when the transaction ends. If that check fails, D1 returns an internal error and restarts the
 * database. So the batch itself looks for rows that would fail it, and refuses first.
 */
import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import * as v from 'valibot';
import { rootCause } from '../lib/root-cause.ts';
import { authtokenToken, authUser } from './schema.ts';

/**
 * Deletes a user with its token, and does what references to them say: CASCADE, SET NULL,
 * SET DEFAULT. All or nothing. Two round trips.
 *
 * @param condition a further condition on the user
 * @returns `kept` if the condition is false, `referenced` if the database refuses: NO ACTION,
 *   RESTRICT, or another constraint or trigger
 */
export async function deleteUser(
  d1: D1Database,
  id: number,
  condition?: SQL,
): Promise<'deleted' | 'kept' | 'referenced'> {
  const db = drizzle(d1);
  const isToDelete = and(eq(authUser.id, id), condition);
  const userToDelete = db.select({ id: authUser.id }).from(authUser).where(isToDelete);
  const danglingRows = mayDangle(await foreignKeys(d1)).map((reference) =>
    danglingRow(reference, id),
  );
  try {
    const [, , [remaining]] = await db.batch([
      db.delete(authtokenToken).where(inArray(authtokenToken.user_id, userToDelete)),
      db.delete(authUser).where(isToDelete),
      db.select({ id: authUser.id }).from(authUser).where(eq(authUser.id, id)),
      ...danglingRows.map((row) => db.insert(authtokenToken).select(tokenOfNobody(row, id))),
    ]);
    return remaining ? 'kept' : 'deleted';
  } catch (error) {
    if (isConstraintViolation(error)) return 'referenced';
    throw error;
  }
}

/**
 * A token without a user, if the user is deleted and there is a dangling row. A constraint refuses to
 * insert it, and so the whole batch. SQLite has no statement that fails on purpose.
 */
const tokenOfNobody = (row: SQL, id: number): SQL =>
  sql`select '', '', null
       where not exists (select 1 from ${authUser} where ${authUser.id} = ${id}) and exists (${row})`;

/** A foreign key of another table. `on_delete` is in the words of SQLite. */
const Reference = v.object({
  table: v.string(),
  fkid: v.number(),
  parent: v.string(),
  column: v.string(),
  target: v.nullable(v.string()),
  columns: v.number(),
  on_delete: v.string(),
});

type Reference = v.InferOutput<typeof Reference>;

/** Selects a row that refers to nothing after the user is deleted. */
function danglingRow(
  { table, fkid, parent, column, target, columns, on_delete }: Reference,
  id: number,
): SQL {
  const isUserId = isSame(parent, 'auth_user') && (target === null || isSame(target, 'id'));
  if (isUserId && columns === 1 && on_delete === 'NO ACTION') {
    // It can use an index.
    return sql`select 1 from ${sql.identifier(table)} where ${sql.identifier(column)} = ${id}`;
  }
  return sql`select 1 from pragma_foreign_key_check(${table}) where fkid = ${fkid}`;
}

/** Counts the rows that refer to a user and do not go with it, for each foreign key that has any. */
export async function countReferences(
  d1: D1Database,
  id: number,
): Promise<(Reference & { rows: number })[]> {
  const counted = [];
  for (const reference of await foreignKeys(d1)) {
    const { table, parent, column, target, on_delete } = reference;
    if (!isSame(parent, 'auth_user') || on_delete === 'CASCADE') continue;
    const value = sql`(select ${sql.identifier(target ?? 'id')} from ${authUser} where ${authUser.id} = ${id})`;
    const rows = await drizzle(d1).$count(
      sql`(select 1 from ${sql.identifier(table)} where ${sql.identifier(column)} = ${value})`,
    );
    if (rows > 0) counted.push({ ...reference, rows });
  }
  return counted;
}

async function foreignKeys(d1: D1Database): Promise<Reference[]> {
  const { results } = await d1
    .prepare(
      // D1 does not allow queries about its own tables, _cf_*.
      `WITH tables AS MATERIALIZED (
         SELECT name FROM sqlite_master
          WHERE type = 'table' AND name <> 'authtoken_token' AND name NOT GLOB '_cf_*'
       )
       SELECT name AS "table", f.id AS fkid, f."table" AS parent, f."from" AS "column",
              f."to" AS target, count(*) AS columns, f.on_delete AS on_delete
         FROM tables JOIN pragma_foreign_key_list(name) AS f
        GROUP BY name, f.id ORDER BY name, f.id`,
    )
    .all();
  return v.parse(v.array(Reference), results);
}

/**
 * The foreign keys that may be violated at the end of the transaction: those to a user, to its token,
 * and to rows that are deleted with them. The others take care of themselves: RESTRICT fails at once,
 * and CASCADE and SET NULL leave no row that refers to nothing.
 */
function mayDangle(all: Reference[]): Reference[] {
  const deletedFrom = ['auth_user', 'authtoken_token'];
  // The list grows while it is read.
  for (const deleted of deletedFrom) {
    for (const { table, parent, on_delete } of all) {
      const isDeletedToo = on_delete === 'CASCADE' && isSame(parent, deleted);
      if (isDeletedToo && !deletedFrom.includes(table)) deletedFrom.push(table);
    }
  }
  return all.filter(
    ({ parent, on_delete }) =>
      ['NO ACTION', 'SET DEFAULT'].includes(on_delete) &&
      deletedFrom.some((table) => isSame(table, parent)),
  );
}

/** SQLite compares names of tables and columns without case. */
const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** D1 reports the violated constraint only in the message. */
const isConstraintViolation = (error: unknown): boolean =>
  /SQLITE_CONSTRAINT|constraint failed/.test(String(rootCause(error)));
