/**
 * Django's password formats (django/contrib/auth/hashers.py). A stored password is one of
 *
 *     pbkdf2_sha256$<iterations>$<salt>$<base64>      written by `makePassword`
 *     pbkdf2_sha1$<iterations>$<salt>$<base64>
 *     scrypt$…, argon2$…, bcrypt_sha256$…, bcrypt$…, md5$…, sha1$…: see their files
 *     !<anything>                                     unusable: no password matches
 *
 * All but the first are verified only, and replaced after a login. Passwords and salts are encoded as
 * UTF-8 without changes. These functions hash immediately, in the current isolate.
 * password-hashing.ts decides where and when they run.
 */
import { constantTimeCompare } from '../lib/constant-time-compare.ts';
import { decodeArgon2 } from './argon2.ts';
import { decodeBcrypt } from './bcrypt.ts';
import { base64, type Decoded, parseCost, type Refused, utf8 } from './decoded.ts';
import { decodeDigest } from './digests.ts';
import { pbkdf2Sha1, pbkdf2Sha256, relativeTime } from './pbkdf2.ts';
import { getRandomString } from './random-string.ts';
import { decodeScrypt } from './scrypt.ts';

/** Characters. 22 of an alphabet of 62 have 128 bits (`BasePasswordHasher.salt_entropy`). */
const SALT_LENGTH = 22;

/**
 * Hashes above these limits are refused before any work, so that a manipulated row cannot cost
 * minutes of CPU time. Each limit is a few seconds of work for the slowest engine in production.
 * Django 6.0 writes 1,200,000 iterations of either PBKDF2 by default.
 */
export const MAX_ITERATIONS = 10_000_000;
/** In production these are derived in JavaScript, which takes 14 times as long as native code. */
const MAX_SHA1_ITERATIONS = 2_000_000;

/**
 * The result of Django's `verify_password`: whether the password is correct, and whether to rehash.
 */
export type Verification = { isCorrect: boolean; mustUpdate: boolean };

/**
 * Encodes a password for storage (`make_password`).
 *
 * @param iterations PBKDF2's work factor, at least 1
 */
export function makePassword(password: string, iterations: number): Promise<string> {
  return encodePbkdf2Sha256(password, getRandomString(SALT_LENGTH), iterations);
}

/**
 * Checks a password against its stored form (`verify_password`). Does not throw for an invalid
 * stored form: a malformed, unknown, unusable or too expensive encoding matches no password.
 *
 * Takes at least as long as a new hash, so that timing does not reveal a weaker hash. Django adds
 * the missing work only for a wrong password (`harden_runtime`). Here it is also added for a
 * correct one, because the login may still be refused if the user is inactive. A hash that is more
 * expensive than a new one takes longer; see auth/stand-in.ts.
 *
 * @param encoded the stored form, or undefined if there is none
 * @param iterations PBKDF2's work factor for new passwords
 */
export async function verifyPassword(
  password: string,
  encoded: string | undefined,
  iterations: number,
): Promise<Verification> {
  const decoded = decode(encoded ?? '', iterations);
  if (typeof decoded === 'string') {
    // Django: "Run the default password hasher once to reduce the timing difference" (#20760).
    await makePassword(password, iterations);
    return { isCorrect: false, mustUpdate: false };
  }
  const isCorrect = constantTimeCompare(encoded ?? '', await decoded.encode(password));
  const missing = Math.round(iterations - decoded.time() / relativeTime('SHA-256', iterations));
  if (missing > 0) await pbkdf2Sha256(utf8(password), new Uint8Array(), missing, iterations);
  return { isCorrect, mustUpdate: isCorrect && decoded.mustUpdate };
}

/**
 * Parses a stored password.
 *
 * @param iterations PBKDF2's work factor for new passwords
 */
export function decode(encoded: string, iterations: number): Decoded | Refused {
  const algorithm = algorithmOf(encoded);
  switch (algorithm) {
    case 'pbkdf2_sha256':
      return decodePbkdf2Sha256(encoded, iterations);
    case 'pbkdf2_sha1':
      return decodePbkdf2Sha1(encoded);
    case 'scrypt':
      return decodeScrypt(encoded);
    case 'argon2':
      return decodeArgon2(encoded);
    case 'bcrypt_sha256':
    case 'bcrypt':
      return decodeBcrypt(encoded);
    case 'md5':
    case 'sha1':
    case 'unsalted_md5':
    case 'unsalted_sha1':
      return decodeDigest(encoded, algorithm);
    default:
      return 'malformed';
  }
}

/** The lengths of a digest in hexadecimal: without a prefix, and after `md5$$` or `sha1$$`. */
const UNSALTED_MD5_LENGTH = 32;
const PREFIXED_MD5_LENGTH = 37;
const PREFIXED_SHA1_LENGTH = 46;

/** Django's name of the algorithm (`identify_hasher`). It may be one that Django does not have. */
export function algorithmOf(encoded: string): string {
  const { length } = encoded;
  if (length === UNSALTED_MD5_LENGTH && !encoded.includes('$')) return 'unsalted_md5';
  if (length === PREFIXED_MD5_LENGTH && encoded.startsWith('md5$$')) return 'unsalted_md5';
  if (length === PREFIXED_SHA1_LENGTH && encoded.startsWith('sha1$$')) return 'unsalted_sha1';
  return encoded.split('$', 1).join();
}

/** @param today what `makePassword` is called with */
function decodePbkdf2Sha256(encoded: string, today: number): Decoded | Refused {
  const stored = decodePbkdf2(encoded, MAX_ITERATIONS);
  if (typeof stored === 'string') return stored;
  const { iterations, salt } = stored;
  // An older hash by the engine of today's, in slices if they are: then it takes the same time beside
  // others, too.
  const like = Math.max(iterations, today);
  return {
    encode: (password) => encodePbkdf2Sha256(password, salt, iterations, like),
    // `PBKDF2PasswordHasher.must_update`: more iterations are replaced, too.
    mustUpdate: iterations !== today || salt.length < SALT_LENGTH,
    time: () => iterations * relativeTime('SHA-256', like),
  };
}

function decodePbkdf2Sha1(encoded: string): Decoded | Refused {
  const stored = decodePbkdf2(encoded, MAX_SHA1_ITERATIONS);
  if (typeof stored === 'string') return stored;
  const { iterations, salt } = stored;
  return {
    encode: (password) => encodePbkdf2Sha1(password, salt, iterations),
    mustUpdate: true,
    time: () => iterations * relativeTime('SHA-1', iterations),
  };
}

function decodePbkdf2(encoded: string, maxIterations: number) {
  const [, count, salt, hash, ...rest] = encoded.split('$');
  const iterations = parseCost(count);
  if (!(iterations > 0) || !salt || !hash || rest.length > 0) return 'malformed';
  return iterations > maxIterations ? 'too-expensive' : { iterations, salt };
}

/** @param like see `pbkdf2Sha256` */
async function encodePbkdf2Sha256(
  password: string,
  salt: string,
  iterations: number,
  like = iterations,
) {
  const key = await pbkdf2Sha256(utf8(password), utf8(salt), iterations, like);
  return `pbkdf2_sha256$${iterations}$${salt}$${base64(key)}`;
}

async function encodePbkdf2Sha1(password: string, salt: string, iterations: number) {
  const key = await pbkdf2Sha1(utf8(password), utf8(salt), iterations);
  return `pbkdf2_sha1$${iterations}$${salt}$${base64(key)}`;
}
