/** Counts the round trips and rows of queries to D1. */

export type Cost = { roundTrips: number; rowsRead: number; rowsWritten: number; ms: number };

/** A database that adds the cost of each query. */
export function countCost(d1: D1Database, cost: Cost): D1Database {
  const real = new WeakMap<D1PreparedStatement, D1PreparedStatement>();

  const add = (results: D1Result[]) => {
    cost.roundTrips++;
    for (const { meta } of results) {
      cost.rowsRead += meta.rows_read;
      cost.rowsWritten += meta.rows_written;
      cost.ms += meta.duration;
    }
  };

  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const all = async () => {
      const result = await statement.all<Record<string, unknown>>();
      add([result]);
      return result;
    };
    const counted: Record<string, unknown> = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      all,
      run: all,
      first: async () => (await all()).results[0] ?? null,
      // The real one returns no cost. The names of the columns must differ, and be no numbers.
      raw: async () => (await all()).results.map(Object.values),
    };
    const wrapped = new Proxy(statement, {
      get: (target, property) => counted[String(property)] ?? Reflect.get(target, property),
    });
    real.set(wrapped, statement);
    return wrapped;
  };

  return new Proxy(d1, {
    get(target, property) {
      if (property === 'prepare') return (sql: string) => wrap(target.prepare(sql));
      if (property !== 'batch') return Reflect.get(target, property);
      return async (statements: D1PreparedStatement[]) => {
        const results = await target.batch(statements.map((each) => real.get(each) ?? each));
        add(results);
        return results;
      };
    },
  });
}

/** Runs queries of a database and returns what they cost. */
export async function costOf(
  d1: D1Database,
  run: (d1: D1Database) => Promise<unknown>,
): Promise<Cost> {
  const cost = { roundTrips: 0, rowsRead: 0, rowsWritten: 0, ms: 0 };
  await run(countCost(d1, cost));
  return cost;
}
