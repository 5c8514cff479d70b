import { env } from 'cloudflare:workers';
import type { Bindings } from '../../src/services/bindings.ts';
import { unthrottled } from './client.ts';

/** One round trip to D1: what it asks, and the way to let it happen. */
export type RoundTrip = { sql: string[]; run: () => Promise<unknown> };

type Hooks = {
  /** Called instead of each round trip; returns what the caller shall get. */
  around?: (roundTrip: RoundTrip) => Promise<unknown>;
  onPrepare?: (sql: string) => void;
};

const EXECUTIONS = ['first', 'run', 'all', 'raw'];

/** A D1 database whose round trips a test can watch, fail or lose. The real one does the work. */
export function interceptD1(
  d1: D1Database,
  { around = ({ run }) => run(), onPrepare }: Hooks,
): D1Database {
  const real = new WeakMap<D1PreparedStatement, { statement: D1PreparedStatement; sql: string }>();

  const wrap = (statement: D1PreparedStatement, sql: string): D1PreparedStatement => {
    const wrapped = new Proxy(statement, {
      get(target, property: string) {
        if (property === 'bind') {
          return (...values: unknown[]) => wrap(target.bind(...values), sql);
        }
        const method = Reflect.get(target, property).bind(target);
        if (!EXECUTIONS.includes(property)) return method;
        return (...args: unknown[]) => around({ sql: [sql], run: () => method(...args) });
      },
    });
    real.set(wrapped, { statement, sql });
    return wrapped;
  };

  const unwrap = (wrapped: D1PreparedStatement) => {
    const known = real.get(wrapped);
    if (!known) throw new Error('This statement was prepared by another database.');
    return known;
  };

  return new Proxy(d1, {
    get(target, property: string) {
      if (property === 'prepare') {
        return (sql: string) => {
          onPrepare?.(sql);
          return wrap(target.prepare(sql), sql);
        };
      }
      if (property === 'batch') {
        return (statements: D1PreparedStatement[]) => {
          const all = statements.map(unwrap);
          const run = () => target.batch(all.map(({ statement }) => statement));
          return around({ sql: all.map(({ sql }) => sql), run });
        };
      }
      return Reflect.get(target, property).bind(target);
    },
  });
}

/** This Worker's bindings, with what its D1 is asked. */
export function watchD1() {
  const roundTrips: RoundTrip[] = [];
  const prepared: string[] = [];
  const DB = interceptD1(env.DB, {
    onPrepare: (sql) => prepared.push(sql),
    around: (roundTrip) => {
      roundTrips.push(roundTrip);
      return roundTrip.run();
    },
  });
  return { bindings: { ...unthrottled, DB }, roundTrips, prepared };
}

/** This Worker's bindings, with a D1 that answers nothing but this error. */
export const failingD1 = (error: Error): Bindings => ({
  ...unthrottled,
  DB: interceptD1(env.DB, { around: () => Promise.reject(error) }),
});
