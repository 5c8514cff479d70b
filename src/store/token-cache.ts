/**
 * Caches found tokens in this isolate for some seconds, so that further requests of a client need
 * no database. Changes through this isolate take effect at once. Other changes take effect when the
 * entry expires. A token that was not found is never cached.
 */
import QuickLRU from 'quick-lru';
import type { Store } from './revocations.ts';
import { isPast } from './tokens.ts';

/** About 5 MB of an isolate's 128 MB. quick-lru keeps up to twice as many entries. */
export const MAX_TOKENS = 10_000;

const MS_PER_SECOND = 1000;

type Found = NonNullable<Awaited<ReturnType<Store['findToken']>>>;

/** @param seconds the lifetime of an entry */
export function withTokenCache(store: Store, seconds: number): Store {
  const cache = new QuickLRU<string, Found>({
    maxSize: MAX_TOKENS,
    maxAge: seconds * MS_PER_SECOND,
  });
  /** Counts invalidations. The result of a lookup that started before one must not be cached. */
  let invalidations = 0;

  const invalidate = (forget: () => void) => {
    invalidations++;
    forget();
  };

  /**
   * Invalidates before the change, so that requests after it do not get the old entry. Invalidates
   * again after the change, so that nothing read during the change stays in the cache.
   */
  const invalidateAround = async <T>(forget: () => void, change: () => Promise<T>) => {
    invalidate(forget);
    try {
      return await change();
    } finally {
      invalidate(forget);
    }
  };

  const changeUser = <T>(id: number, change: () => Promise<T>) =>
    invalidateAround(() => {
      for (const [key, { user }] of cache) if (user.id === id) cache.delete(key);
    }, change);

  return {
    ...store,
    async findToken(key) {
      const cached = cache.get(key);
      // Another isolate may have renewed a token that has expired here.
      if (cached && !isPast(cached.token.expiry)) return cached;
      const before = invalidations;
      const found = await store.findToken(key);
      if (found && invalidations === before) cache.set(key, found);
      return found;
    },
    deleteToken: (key) =>
      invalidateAround(
        () => cache.delete(key),
        () => store.deleteToken(key),
      ),
    async renewToken(key, ...rest) {
      await store.renewToken(key, ...rest);
      // The old expiry is no danger, so lookups at the same time may be cached. It would be renewed again.
      cache.delete(key);
    },
    deleteTokens: (id) => changeUser(id, () => store.deleteTokens(id)),
    deleteTokenById: (id, ...rest) => changeUser(id, () => store.deleteTokenById(id, ...rest)),
    updateProfile: (id, ...rest) => changeUser(id, () => store.updateProfile(id, ...rest)),
    deleteUser: (id, password) => changeUser(id, () => store.deleteUser(id, password)),
    changeUser: (id, change) => changeUser(id, () => store.changeUser(id, change)),
    deleteUserAsStaff: (id) => changeUser(id, () => store.deleteUserAsStaff(id)),
    replacePasswordAndToken: (id, ...rest) =>
      changeUser(id, () => store.replacePasswordAndToken(id, ...rest)),
    replacePasswordAndDeleteToken: (id, ...rest) =>
      changeUser(id, () => store.replacePasswordAndDeleteToken(id, ...rest)),
    storeLogin: (login) => changeUser(login.userId, () => store.storeLogin(login)),
    renameByLink: (link, ...rest) => changeUser(link.id, () => store.renameByLink(link, ...rest)),
    changeEmailToVerify: (id, ...rest) =>
      changeUser(id, () => store.changeEmailToVerify(id, ...rest)),
  };
}
