import { fillPlaceholders, type Query } from 'drizzle-orm';

/**
 * Prepares a Drizzle query once, to be bound many times, as a member of a `batch`. (Drizzle's own
 * `.prepare()` serves single queries; its `batch` would build and prepare each query anew.)
 *
 * @returns a function from the values of the query's placeholders to a bound D1 statement
 */
export function statement(
  d1: D1Database,
  query: { toSQL(): Query },
): (values: Record<string, unknown>) => D1PreparedStatement {
  const { sql, params } = query.toSQL();
  const prepared = d1.prepare(sql);
  return (values) => prepared.bind(...fillPlaceholders(params, values));
}
