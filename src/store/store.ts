/**
 * The database: one function per query. A function is one D1 round trip, unless its comment says
 * more. No rules here: what a row means is the domain's business.
 */
import { queries, type Store } from './queries.ts';
import { withTokenCache } from './token-cache.ts';
import type { TokenReads } from './tokens.ts';

export type { Store };

export type StoreSettings = {
  /** What may answer a token check (`TOKEN_READS`); by default `primary`. */
  tokenReads: TokenReads;
  /**
   * How long a found token is remembered by this isolate, 0 (the default: not at all) to 60 seconds
   * (`TOKEN_CACHE_SECONDS`).
   */
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
