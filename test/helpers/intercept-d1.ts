import { env } from 'cloudflare:workers';
import type { Bindings } from '../../src/services/bindings.ts';
import { unthrottled } from './client.ts';

/** One round trip to D1: its statements, and a function that runs it. */
export type RoundTrip = {
  sql: string[];
  statements: D1PreparedStatement[];
  run: () => Promise<unknown>;
};

type Hooks = {
  /** Called instead of each round trip. Returns the result for the caller. */
  around?: (roundTrip: RoundTrip) => Promise<unknown>;
  onPrepare?: (sql: string) => void;
};

const EXECUTIONS = ['first', 'run', 'all', 'raw'];

/** A D1 database that wraps a real one. A test can watch, fail or lose each round trip. */
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
        return (...args: unknown[]) =>
          around({ sql: [sql], statements: [target], run: () => method(...args) });
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
          const own = all.map(({ statement }) => statement);
          const run = () => target.batch(own);
          return around({ sql: all.map(({ sql }) => sql), statements: own, run });
        };
      }
      return Reflect.get(target, property).bind(target);
    },
  });
}

/** The bindings of this Worker, with a record of the round trips to D1. */
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

/** The bindings of this Worker, with a D1 that always fails with this error. */
export const failingD1 = (error: Error): Bindings => ({
  ...unthrottled,
  DB: interceptD1(env.DB, { around: () => Promise.reject(error) }),
});
