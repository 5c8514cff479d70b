/**
 * The tokens of django-rest-knox 5: one for each login, with an expiry. The database has only their
 * SHA-512 (knox/models.py, knox/auth.py).
 */
import { bytesToHex, randomBytes } from '@noble/hashes/utils.js';
import { djangoDatetime, parseDjangoDatetime } from '../lib/django-datetime.ts';
import { err, ok } from '../lib/result.ts';
import type { Settings } from '../settings.ts';
import type { Store } from '../store/store.ts';
import { ageExpiry, type Token, type TokenModel } from './tokens.ts';

/** Random bytes in a new token: 64 hexadecimal digits (`AUTH_TOKEN_CHARACTER_LENGTH`). */
const TOKEN_LENGTH = 32;

/** Random bytes of the place in the table at which expired tokens are looked for. */
const START_LENGTH = 8;

const MS_PER_SECOND = 1000;

export type KnoxSettings = Pick<
  Settings,
  | 'tokenTtlSeconds'
  | 'tokenLimitPerUser'
  | 'autoRefresh'
  | 'autoRefreshMaxTtlSeconds'
  | 'minRefreshIntervalSeconds'
  | 'tokenPrefix'
  | 'tokenMaxAgeDays'
>;

export const knoxModel = (store: Store, settings: KnoxSettings): TokenModel => ({
  newToken: () => newToken(settings),

  /** An expired token is like an unknown one, and is deleted at its use (`_cleanup_token`). */
  async find(key, runAfterResponse, lookUp = store.findToken) {
    const found = await lookUp(key);
    const { expiry } = found?.token ?? {};
    if (!found || expiry === undefined || expiry === null) return found;
    const now = new Date();
    if (expiry < djangoDatetime(now)) {
      runAfterResponse(() => store.deleteExpiredToken(key, djangoDatetime(now)));
      return undefined;
    }
    const renewed = found.user.is_active && renewedExpiry(found.token.created, settings, now);
    if (renewed && isWorthAWrite(expiry, renewed, settings)) {
      runAfterResponse(() => store.renewToken(key, expiry, djangoDatetime(renewed)));
    }
    return found;
  },

  /** Stores a new token, if the user has not too many (knox/views.py, `LoginView.post`). */
  async logIn({ id, password }, { lastLogin }) {
    const stored = await store.storeLogin({
      userId: id,
      password,
      token: newToken(settings),
      lastLogin,
      limit: settings.tokenLimitPerUser,
    });
    if (stored === 'token-limit') return err({ kind: 'token-limit-exceeded' });
    return stored && ok(stored);
  },

  expiryOf: ({ created, expiry }) =>
    expiry === undefined ? ageExpiry(created, settings.tokenMaxAgeDays) : expiry,

  removeExpired: () =>
    store.deleteExpiredSample(bytesToHex(randomBytes(START_LENGTH)), djangoDatetime(new Date())),
});

export type KnoxToken = Token & { expiry: string | null };

/** Creates a token, which is not stored yet (`AuthTokenManager.create`). */
export function newToken({ tokenPrefix, tokenTtlSeconds }: KnoxSettings): KnoxToken {
  const now = new Date();
  return {
    key: tokenPrefix + bytesToHex(randomBytes(TOKEN_LENGTH)),
    created: djangoDatetime(now),
    expiry: tokenTtlSeconds === 'none' ? null : djangoDatetime(after(now, tokenTtlSeconds)),
  };
}

/** The expiry that a use of a token sets (`renew_token`); undefined if it sets none. */
function renewedExpiry(
  created: string,
  { autoRefresh, autoRefreshMaxTtlSeconds, tokenTtlSeconds }: KnoxSettings,
  now: Date,
): Date | undefined {
  if (!autoRefresh || tokenTtlSeconds === 'none') return undefined;
  const renewed = after(now, tokenTtlSeconds);
  if (autoRefreshMaxTtlSeconds === undefined) return renewed;
  const latest = after(parseDjangoDatetime(created), autoRefreshMaxTtlSeconds);
  return new Date(Math.min(renewed.getTime(), latest.getTime()));
}

/** Whether the new expiry is so much later (`MIN_REFRESH_INTERVAL`). An expiry is never made earlier. */
const isWorthAWrite = (
  expiry: string,
  renewed: Date,
  { minRefreshIntervalSeconds }: KnoxSettings,
): boolean => renewed > after(parseDjangoDatetime(expiry), minRefreshIntervalSeconds);

const after = (moment: Date, seconds: number): Date =>
  new Date(moment.getTime() + seconds * MS_PER_SECOND);
