/**
 * Found tokens, remembered for some seconds by this isolate, so that a client's next requests need
 * no database. A change through this isolate is seen at once. A change made elsewhere is seen when
 * the seconds are over. A token that was not found is never remembered.
 */
import QuickLRU from 'quick-lru';
import type { Store } from './revocations.ts';

/** About 5 MB of an isolate's 128; quick-lru keeps up to twice as many. */
export const MAX_TOKENS = 10_000;

const MS_PER_SECOND = 1000;

type Found = NonNullable<Awaited<ReturnType<Store['findToken']>>>;

/** @param seconds how long a token is remembered */
export function withTokenCache(store: Store, seconds: number): Store {
  const cache = new QuickLRU<string, Found>({
    maxSize: MAX_TOKENS,
    maxAge: seconds * MS_PER_SECOND,
  });
  /** How often something was forgotten. A look-up under way meanwhile may bring what is gone. */
  let forgotten = 0;

  const forget = (isChanged: (found: Found) => boolean) => {
    forgotten++;
    for (const [key, found] of cache) if (isChanged(found)) cache.delete(key);
  };

  /**
   * Forgets before the change, so that nobody is answered from memory once it is made, and after
   * it, so that nothing read meanwhile is remembered.
   */
  const changing = async <T>(isChanged: (found: Found) => boolean, change: () => Promise<T>) => {
    forget(isChanged);
    try {
      return await change();
    } finally {
      forget(isChanged);
    }
  };

  const changingUser = <T>(id: number, change: () => Promise<T>) =>
    changing(({ user }) => user.id === id, change);

  return {
    ...store,
    async findToken(key) {
      const known = cache.get(key);
      if (known) return known;
      const before = forgotten;
      const found = await store.findToken(key);
      if (found && forgotten === before) cache.set(key, found);
      return found;
    },
    deleteToken: (key) =>
      changing(
        ({ token }) => token.key === key,
        () => store.deleteToken(key),
      ),
    updateProfile: (id, ...rest) => changingUser(id, () => store.updateProfile(id, ...rest)),
    deleteUser: (id, password) => changingUser(id, () => store.deleteUser(id, password)),
    replacePasswordAndToken: (id, ...rest) =>
      changingUser(id, () => store.replacePasswordAndToken(id, ...rest)),
    replacePasswordAndDeleteToken: (id, ...rest) =>
      changingUser(id, () => store.replacePasswordAndDeleteToken(id, ...rest)),
    getOrCreateToken: (id, ...rest) => changingUser(id, () => store.getOrCreateToken(id, ...rest)),
  };
}
