/** The tokens of `rest_framework.authtoken`: one for each user, which every login returns. */
import { bytesToHex, randomBytes } from '@noble/hashes/utils.js';
import { djangoDatetime } from '../lib/django-datetime.ts';
import { ok } from '../lib/result.ts';
import type { Settings } from '../settings.ts';
import type { Store } from '../store/store.ts';
import { ageExpiry, expiryDate, isExpired, type TokenModel } from './tokens.ts';

/** Random bytes in a new key: 160 bits, 40 hexadecimal digits (`Token.generate_key`). */
const KEY_LENGTH = 20;

/**
 * Creates a token. Its key is 40 lower-case hexadecimal digits. An imported key may be any 1 to 40
 * characters.
 */
export const newToken = () => ({
  key: bytesToHex(randomBytes(KEY_LENGTH)),
  created: djangoDatetime(new Date()),
});

export const authtokenModel = (
  store: Store,
  { tokenMaxAgeDays }: Pick<Settings, 'tokenMaxAgeDays'>,
): TokenModel => ({
  newToken,
  find: (key, _, lookUp = store.findToken) => lookUp(key),

  /** Stores a token only if the user has none or it has expired (`Token.objects.get_or_create`). */
  async logIn({ id, password, token }, { revocations, lastLogin }) {
    // A revocation during the hashing may concern this token. Then query the database again.
    const isCurrent = store.revocations() === revocations;
    const isToKeep = token !== null && isCurrent && !isExpired(token, tokenMaxAgeDays);
    if (isToKeep && lastLogin === undefined) return ok(token);
    const stored = await store.storeLogin({
      userId: id,
      password,
      token: newToken(),
      lastLogin,
      expiredBefore: expiryDate(tokenMaxAgeDays),
    });
    return stored === undefined || stored === 'token-limit' ? undefined : ok(stored);
  },

  expiryOf: ({ created }) => ageExpiry(created, tokenMaxAgeDays),

  /** A token of DRF that has expired is replaced by the next login. */
  removeExpired: undefined,
});
