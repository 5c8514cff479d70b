/**
 * The database: one function for each query. A function is one D1 round trip, unless its comment
 * says more. There are no rules here: the domain decides what a row means.
 */
import type { Settings } from '../settings.ts';
import { queries } from './queries.ts';
import { type Store, withRevocations } from './revocations.ts';
import { withTokenCache } from './token-cache.ts';

export type { Store };

/** Prepares the statements. Call it once for each database binding, not once for each request. */
export function createStore(
  d1: D1Database,
  { tokenReads, tokenCacheSeconds }: Pick<Settings, 'tokenReads' | 'tokenCacheSeconds'> = {
    tokenReads: 'primary',
    tokenCacheSeconds: 0,
  },
): Store {
  const store = withRevocations(queries(d1, tokenReads));
  return tokenCacheSeconds > 0 ? withTokenCache(store, tokenCacheSeconds) : store;
}
