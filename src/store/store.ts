/**
 * The database, with one function for each query. A function makes one D1 round trip, unless its
 * comment states more. Rules belong in the domain (auth/), not here.
 */
import type { Settings } from '../settings.ts';
import { authtokenQueries } from './authtoken.ts';
import { queries, type TokenQueriesOf } from './queries.ts';
import { type Store, withRevocations } from './revocations.ts';
import { withTokenCache } from './token-cache.ts';

export type { Store };

/**
 * Prepares the statements. Call it once per database binding, not once per request.
 *
 * @param tokenQueriesOf the queries of the token model (`TOKEN_MODEL`)
 */
export function createStore(
  d1: D1Database,
  { tokenReads, tokenCacheSeconds }: Pick<Settings, 'tokenReads' | 'tokenCacheSeconds'> = {
    tokenReads: 'primary',
    tokenCacheSeconds: 0,
  },
  tokenQueriesOf: TokenQueriesOf = authtokenQueries,
): Store {
  const store = withRevocations(queries(d1, tokenReads, tokenQueriesOf));
  return tokenCacheSeconds > 0 ? withTokenCache(store, tokenCacheSeconds) : store;
}
