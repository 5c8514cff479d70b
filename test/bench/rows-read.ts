/**
 * The product and the reference in one Worker, with a D1 database that counts. `X-Worker` names the
 * one to call. `X-Rows-Read` of the response has the rows that all its queries read.
 */
import product from '../../src/index.ts';
import reference from './reference.ts';

/** One for all requests: both Workers keep the statements they prepare. Ask one thing at a time. */
let counted: ReturnType<typeof counting> | undefined;

export default {
  async fetch(request, env, context) {
    counted ??= counting(env);
    const before = counted.rowsRead();
    const answer =
      request.headers.get('X-Worker') === 'product'
        ? await product.fetch(request, counted.env, context)
        : await reference.fetch(request, counted.env);
    const copy = new Response(answer.body, answer);
    copy.headers.set('X-Rows-Read', String(counted.rowsRead() - before));
    return copy;
  },
} satisfies ExportedHandler<Env>;

function counting(env: Env) {
  const database = env.DB;
  let rowsRead = 0;
  const count = (result: D1Result<Record<string, unknown>>) => {
    rowsRead += result.meta.rows_read;
    return result;
  };
  /** The real statement of each stand-in: `batch` takes no other. */
  const real = new WeakMap<object, D1PreparedStatement>();

  /** Only `all` and `run` tell what was read, so `first` and `raw` are made of `all`. */
  function statement(target: D1PreparedStatement): D1PreparedStatement {
    const all = async () => count(await target.all());
    const methods = {
      bind: (...values: unknown[]) => statement(target.bind(...values)),
      all,
      run: all,
      first: async () => (await all()).results[0] ?? null,
      raw: async () => (await all()).results.map((row) => Object.values(row)),
    };
    const standIn = new Proxy(target, { get: (_, name) => Reflect.get(methods, name) });
    real.set(standIn, target);
    return standIn;
  }

  const methods = {
    prepare: (sql: string) => statement(database.prepare(sql)),
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await database.batch<Record<string, unknown>>(
        statements.map((standIn) => real.get(standIn) ?? standIn),
      );
      return results.map(count);
    },
  };
  const standIn = new Proxy(database, { get: (_, name) => Reflect.get(methods, name) });
  return { env: { ...env, DB: standIn }, rowsRead: () => rowsRead };
}
