/**
 * The tokens of links in e-mails, as Django makes and checks them
 * (django/contrib/auth/tokens.py, `PasswordResetTokenGenerator`, Django 3.1 and later):
 *
 *     <seconds since 2001 in base 36>-<every second hex digit of an HMAC-SHA-256>
 *
 * The HMAC covers the fields that a used link changes, so a link works once. Nothing is stored.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { constantTimeCompare } from '../lib/constant-time-compare.ts';

/** What a link does. Each purpose has a salt, so that a link for one is not valid for another. */
export type LinkPurpose = 'passwordReset' | 'activation';

const KEY_SALTS: Record<LinkPurpose, string> = {
  /** `PasswordResetTokenGenerator.key_salt`. */
  passwordReset: 'django.contrib.auth.tokens.PasswordResetTokenGenerator',
  /** Ours: djoser signs activations with the salt of password resets. */
  activation: 'edge-authtoken.activation',
};

/** The salts that each route accepts. Activation links that djoser made stay valid. */
const ACCEPTED_SALTS: Record<LinkPurpose, string[]> = {
  passwordReset: [KEY_SALTS.passwordReset],
  activation: [KEY_SALTS.activation, KEY_SALTS.passwordReset],
};

/** `_num_seconds` counts from here, in Django's `TIME_ZONE`. Here it is UTC. */
const EPOCH_MS = Date.UTC(2001, 0, 1);
const MS_PER_SECOND = 1000;

/** Characters of `YYYY-MM-DD HH:MM:SS`: Django cuts the microseconds off. */
const WHOLE_SECONDS_LENGTH = 19;

/**
 * How far ahead of our clock a timestamp may be, in seconds: a day. Django counts in its
 * `TIME_ZONE`, up to 14 hours ahead of UTC.
 *
 * The HMAC's input has no separator between timestamp and address. With any timestamp accepted, a
 * link for `5meg@example.com` would be valid for `meg@example.com`, with a timestamp ten times as
 * high, and would never expire.
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

/** The fields of a user that its token is made from. */
export type LinkTokenUser = {
  id: number;
  /** The encoding that is stored. */
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

/** `check_token`: is it this user's, made for this purpose with one of the keys, and not expired? */
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
  const lastLogin = last_login?.slice(0, WHOLE_SECONDS_LENGTH) ?? '';
  const value = `${id}${password}${lastLogin}${timestamp}${email}`;
  const key = sha256(utf8ToBytes(salt + secretKey));
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
