import { fillPlaceholders, type Query } from 'drizzle-orm';

/**
 * Prepares a Drizzle query once, for many uses in a `batch`. Drizzle's own `.prepare()` supports
 * single queries only, and its `batch` would build and prepare each query again.
 *
 * @returns a function that binds values to the query's placeholders and returns a D1 statement
 */
export function statement(
  d1: D1Database,
  query: { toSQL(): Query },
): (values: Record<string, unknown>) => D1PreparedStatement {
  const { sql, params } = query.toSQL();
  const prepared = d1.prepare(sql);
  return (values) => prepared.bind(...fillPlaceholders(params, values));
}
