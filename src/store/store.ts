/**
 * The database: one function per query, every statement prepared once. Each function is one D1 round
 * trip. No rules here: what a row means is the domain's business.
 */
import { drizzle } from 'drizzle-orm/d1';
import { passwordQueries } from './passwords.ts';
import { withTokenCache } from './token-cache.ts';
import { type TokenReads, tokenQueries } from './tokens.ts';
import { reading } from './unavailable.ts';
import { userQueries } from './users.ts';

export type Store = ReturnType<typeof queries>;

export type StoreSettings = {
  tokenReads: TokenReads;
  /** How long a found token is remembered by this isolate; 0: not at all. */
  tokenCacheSeconds: number;
};

/** Prepares the statements. Call it once for each database binding, not once for each request. */
export function createStore(
  d1: D1Database,
  { tokenReads, tokenCacheSeconds }: StoreSettings = {
    tokenReads: 'primary',
    tokenCacheSeconds: 0,
  },
): Store {
  const store = queries(d1, tokenReads);
  return tokenCacheSeconds > 0 ? withTokenCache(store, tokenCacheSeconds) : store;
}

function queries(d1: D1Database, tokenReads: TokenReads) {
  const db = drizzle(d1);
  const selectOne = d1.prepare('SELECT 1');
  return {
    ...userQueries(d1, db),
    ...passwordQueries(d1, db),
    ...tokenQueries(d1, db, tokenReads),

    /** Asks for nothing but an answer. @throws DatabaseUnavailable and whatever else keeps it away */
    ping: () => reading(() => selectOne.run()),
  };
}
