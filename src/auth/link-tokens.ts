/**
 * The tokens of links in e-mails, as Django makes and checks them.
 *
 *     <seconds since 2001 in base 36>-<every second hex digit of an HMAC-SHA-256>
 *
 * This is the form of Django 3.1 and later (django/contrib/auth/tokens.py). The HMAC covers the
 * fields that a used link changes, so a link works once. Nothing is stored.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { constantTimeCompare } from '../lib/constant-time-compare.ts';

/** The purpose of a link. Each has its own salt, so that its links are not valid for another. */
export type LinkPurpose = 'passwordReset' | 'usernameReset' | 'activation';

const KEY_SALTS: Record<LinkPurpose, string> = {
  /** `PasswordResetTokenGenerator.key_salt`. */
  passwordReset: 'django.contrib.auth.tokens.PasswordResetTokenGenerator',
  /** Our own salts. djoser signs all its links with the salt of password resets. */
  usernameReset: 'edge-authtoken.username-reset',
  activation: 'edge-authtoken.activation',
};

/** The salts that are accepted for each purpose. Links made by djoser stay valid. */
const ACCEPTED_SALTS: Record<LinkPurpose, string[]> = {
  passwordReset: [KEY_SALTS.passwordReset],
  usernameReset: [KEY_SALTS.usernameReset, KEY_SALTS.passwordReset],
  activation: [KEY_SALTS.activation, KEY_SALTS.passwordReset],
};

/** The start of `_num_seconds`. Django counts in its `TIME_ZONE`; this service counts in UTC. */
const EPOCH_MS = Date.UTC(2001, 0, 1);
const MS_PER_SECOND = 1000;

/** Characters of `YYYY-MM-DD HH:MM:SS`. Django removes the microseconds. */
const WHOLE_SECONDS_LENGTH = 19;

/**
 * How far ahead of our clock a timestamp may be, in seconds: a day. Django counts in its
 * `TIME_ZONE`, which is up to 14 hours ahead of UTC.
 *
 * The HMAC's input has no separator between timestamp and address. Without this limit, a link for
 * `5meg@example.com` would be valid for `meg@example.com` if its timestamp were ten times as high,
 * and it would never expire.
 */
const MAX_SECONDS_AHEAD = 86_400;

/** A Unix time of 2^53 ms has 10 digits in base 36. */
const TOKEN = /^(?<timestamp>[0-9a-z]{1,10})-[0-9a-f]{32}$/;

export type LinkSettings = {
  /** Signs links (`SECRET_KEY`). */
  secretKey: string;
  /** Older keys, whose links are still valid (`SECRET_KEY_FALLBACKS`). */
  secretKeyFallbacks: string[];
  /** How long a link is valid (`PASSWORD_RESET_TIMEOUT`). */
  timeoutSeconds: number;
};

/** The fields of a user that its token is computed from. */
export type LinkTokenUser = {
  id: number;
  /** The stored encoding. */
  password: string;
  /** Django's datetime text, UTC. */
  last_login: string | null;
  email: string;
};

/** `make_token`. */
export const makeToken = (
  purpose: LinkPurpose,
  user: LinkTokenUser,
  { secretKey }: LinkSettings,
  now: Date,
): string => tokenOf(user, secondsSinceEpoch(now), KEY_SALTS[purpose], secretKey);

/** `check_token`: whether it was made for this user and purpose, and has not expired. */
export function checkToken(
  purpose: LinkPurpose,
  user: LinkTokenUser,
  token: string,
  { secretKey, secretKeyFallbacks, timeoutSeconds }: LinkSettings,
  now: Date,
): boolean {
  const digits = TOKEN.exec(token)?.groups?.timestamp;
  if (digits === undefined) return false;
  const timestamp = Number.parseInt(digits, 36);
  const age = secondsSinceEpoch(now) - timestamp;
  if (age > timeoutSeconds || age < -MAX_SECONDS_AHEAD) return false;
  return [secretKey, ...secretKeyFallbacks].some((key) =>
    ACCEPTED_SALTS[purpose].some((salt) =>
      constantTimeCompare(tokenOf(user, timestamp, salt, key), token),
    ),
  );
}

const secondsSinceEpoch = (moment: Date): number =>
  Math.floor((moment.getTime() - EPOCH_MS) / MS_PER_SECOND);

/** `_make_token_with_timestamp`, with `salted_hmac` of django/utils/crypto.py. */
function tokenOf(
  { id, password, last_login, email }: LinkTokenUser,
  timestamp: number,
  salt: string,
  secretKey: string,
): string {
  const lastLogin = wholeSeconds(last_login ?? '');
  const value = `${id}${password}${lastLogin}${timestamp}${email}`;
  const key = sha256(utf8ToBytes(salt + secretKey));
  const digest = bytesToHex(hmac(sha256, key, utf8ToBytes(value)));
  return `${timestamp.toString(36)}-${digest.replace(/(.)./g, '$1')}`;
}

const wholeSeconds = (datetime: string): string => datetime.slice(0, WHOLE_SECONDS_LENGTH);

/** Whether two last logins make the same links. */
export const isSameSecond = (lastLogin: string, other: string): boolean =>
  wholeSeconds(lastLogin) === wholeSeconds(other);

/** A user's id in links: its digits in base 64 (`urlsafe_base64_encode`, unpadded). */
export const encodeUid = (id: number): string => btoa(String(id)).replace(/=+$/, '');

/**
 * Returns undefined if `encodeUid` could not have made the uid. Django also accepts `MR` and `MDE`
 * for user 1. Here a user has one uid, because it is the key of a rate limit (http/rate-limit.ts).
 */
export function decodeUid(uid: string): number | undefined {
  if (!/^[A-Za-z0-9]+$/.test(uid) || uid.length % 4 === 1) return undefined;
  const id = Number(atob(uid));
  return Number.isSafeInteger(id) && id >= 0 && encodeUid(id) === uid ? id : undefined;
}

/** A user's id in links of allauth (allauth/account/utils.py, `user_pk_to_url_str`). */
export const encodeAllauthUid = (id: number): string => id.toString(36);

/**
 * Returns the uid in Django's form. A uid of Django starts with a capital letter, so it is none of
 * allauth's.
 */
export function fromAllauthUid(uid: string): string {
  const id = /^[0-9a-z]+$/.test(uid) ? Number.parseInt(uid, 36) : Number.NaN;
  return Number.isSafeInteger(id) && encodeAllauthUid(id) === uid ? encodeUid(id) : uid;
}

/** Both parts of a link, joined by a hyphen: one key, as allauth's links have. */
export function parseLinkKey(key: string): { uid: string; token: string } {
  const [uid = '', ...token] = key.split('-');
  return { uid, token: token.join('-') };
}
