/**
 * The tokens of links in e-mails, as Django makes and checks them
 * (django/contrib/auth/tokens.py, `PasswordResetTokenGenerator`, Django 3.1 and later):
 *
 *     <seconds since 2001 in base 36>-<every second hex digit of an HMAC-SHA-256>
 *
 * The HMAC is over what a used link changes, so a link works once. Nothing is stored.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { constantTimeCompare } from './passwords/constant-time-compare.ts';

/** `PasswordResetTokenGenerator.key_salt`. */
const KEY_SALT = 'django.contrib.auth.tokens.PasswordResetTokenGenerator';

/** `_num_seconds` counts from here. Django takes its own time zone, so `TIME_ZONE = "UTC"`. */
const EPOCH_MS = Date.UTC(2001, 0, 1);
const MS_PER_SECOND = 1000;

/** Characters of `YYYY-MM-DD HH:MM:SS`: Django cuts the microseconds off. */
const WHOLE_SECONDS_LENGTH = 19;

/** A Unix time of 2^53 ms has 10 digits in base 36. */
const TOKEN = /^(?<timestamp>[0-9a-z]{1,10})-[0-9a-f]{32}$/;

export type LinkSettings = {
  /** Signs links (`SECRET_KEY`). */
  secretKey: string;
  /** Older keys, whose links are still good (`SECRET_KEY_FALLBACKS`). */
  secretKeyFallbacks: string[];
  /** How long a link is good (`PASSWORD_RESET_TIMEOUT`). */
  timeoutSeconds: number;
};

/** What of a user is in its token. */
export type LinkedUser = {
  id: number;
  /** The encoding that is stored. */
  password: string;
  /** Django's datetime text, UTC. */
  last_login: string | null;
  email: string;
};

/** `make_token`. */
export function makeToken(user: LinkedUser, { secretKey }: LinkSettings, now: Date): string {
  return tokenOf(user, secondsSinceEpoch(now), secretKey);
}

/** `check_token`: is it this user's, made with one of the keys, and not too old? */
export function checkToken(
  user: LinkedUser,
  token: string,
  { secretKey, secretKeyFallbacks, timeoutSeconds }: LinkSettings,
  now: Date,
): boolean {
  const digits = TOKEN.exec(token)?.groups?.timestamp;
  if (digits === undefined) return false;
  const timestamp = Number.parseInt(digits, 36);
  const isSigned = [secretKey, ...secretKeyFallbacks].some((key) =>
    constantTimeCompare(tokenOf(user, timestamp, key), token),
  );
  return isSigned && secondsSinceEpoch(now) - timestamp <= timeoutSeconds;
}

const secondsSinceEpoch = (moment: Date): number =>
  Math.floor((moment.getTime() - EPOCH_MS) / MS_PER_SECOND);

/** `_make_token_with_timestamp`, with `salted_hmac` of django/utils/crypto.py. */
function tokenOf(
  { id, password, last_login, email }: LinkedUser,
  timestamp: number,
  secretKey: string,
): string {
  const lastLogin = last_login?.slice(0, WHOLE_SECONDS_LENGTH) ?? '';
  const value = `${id}${password}${lastLogin}${timestamp}${email}`;
  const key = sha256(utf8ToBytes(KEY_SALT + secretKey));
  const digest = bytesToHex(hmac(sha256, key, utf8ToBytes(value)));
  return `${timestamp.toString(36)}-${digest.replace(/(.)./g, '$1')}`;
}

/** A user's id as links carry it: base 64 of its digits (`urlsafe_base64_encode`, unpadded). */
export const encodeUid = (id: number): string => btoa(String(id)).replace(/=+$/, '');

/**
 * Undefined if it is not what `encodeUid` makes. Django takes `MR` and `MDE` for user 1, too. Here a
 * user has one uid, since attempts at a user's links are counted by it (http/rate-limit.ts).
 */
export function decodeUid(uid: string): number | undefined {
  if (!/^[A-Za-z0-9]+$/.test(uid) || uid.length % 4 === 1) return undefined;
  const id = Number(atob(uid));
  return Number.isSafeInteger(id) && id >= 0 && encodeUid(id) === uid ? id : undefined;
}
