/**
 * The database: one function per query. A function is one D1 round trip, unless its comment says
 * more. No rules here: what a row means is the domain's business.
 */
import { queries } from './queries.ts';
import { type Store, withRevocations } from './revocations.ts';
import type { StoreSettings } from './store-settings.ts';
import { withTokenCache } from './token-cache.ts';

export type { Store };

/** Prepares the statements. Call it once for each database binding, not once for each request. */
export function createStore(
  d1: D1Database,
  { tokenReads, tokenCacheSeconds }: StoreSettings = {
    tokenReads: 'primary',
    tokenCacheSeconds: 0,
  },
): Store {
  const store = withRevocations(queries(d1, tokenReads));
  return tokenCacheSeconds > 0 ? withTokenCache(store, tokenCacheSeconds) : store;
}
