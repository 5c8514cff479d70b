/**
 * Django's password formats (django/contrib/auth/hashers.py). A stored password is one of
 *
 *     pbkdf2_sha256$<iterations>$<salt>$<base64>      written by `makePassword`
 *     pbkdf2_sha1$<iterations>$<salt>$<base64>        verified, then replaced
 *     scrypt$<N>$<salt>$<r>$<p>$<base64>              verified
 *     !<anything>                                     unusable: no password matches
 *
 * Passwords and salts are encoded as UTF-8 without changes. These functions hash immediately, in
 * the current isolate. password-hashing.ts decides where and when they run.
 */
import { scrypt } from '@noble/hashes/scrypt.js';
import { constantTimeCompare } from '../lib/constant-time-compare.ts';
import { pbkdf2Sha1, pbkdf2Sha256, relativeTime } from './pbkdf2.ts';
import { getRandomString } from './random-string.ts';

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

/** Django's parameters, N = 2^14, r = 8 and p = 5, need 16 MiB. */
const MAX_SCRYPT_MEMORY_BYTES = 64 * 1024 * 1024;
/**
 * r·p, in units of 128 bytes. PBKDF2 derives these bytes before the N rounds, even if N is small.
 */
const MAX_SCRYPT_BLOCKS = 128;
/** N·r·p: four times that of Django's parameters. */
const MAX_SCRYPT_WORK = 4 * 2 ** 14 * 8 * 5;
const SCRYPT_LENGTH = 64;

/**
 * The result of Django's `verify_password`: whether the password is correct, and whether to rehash.
 */
export type Verification = { isCorrect: boolean; mustUpdate: boolean };

/** A parsed stored password. Its cost is within the limits, so `encode` may run. */
type Decoded = {
  /** Encodes another password with the same parameters. */
  encode: (password: string) => Promise<string>;
  /** Whether it is weaker than a hash that `makePassword` writes now. */
  mustUpdate: boolean;
  /** The time that `encode` took, in native iterations of PBKDF2. */
  time: () => number;
};

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
  if (!decoded) {
    // Django: "Run the default password hasher once to reduce the timing difference" (#20760).
    await makePassword(password, iterations);
    return { isCorrect: false, mustUpdate: false };
  }
  const isCorrect = constantTimeCompare(encoded ?? '', await decoded.encode(password));
  const missing = Math.round(iterations - decoded.time() / relativeTime('SHA-256', iterations));
  if (missing > 0) await pbkdf2Sha256(utf8(password), new Uint8Array(), missing, iterations);
  return { isCorrect, mustUpdate: isCorrect && decoded.mustUpdate };
}

/** Returns undefined if no password can match, or if the check would be too expensive. */
export function decode(encoded: string, iterations: number): Decoded | undefined {
  const [algorithm, ...parts] = encoded.split('$');
  switch (algorithm) {
    case 'pbkdf2_sha256':
      return decodePbkdf2Sha256(parts, iterations);
    case 'pbkdf2_sha1':
      return decodePbkdf2Sha1(parts);
    case 'scrypt':
      return decodeScrypt(parts);
    default:
      return undefined;
  }
}

/** @param today what `makePassword` is called with */
function decodePbkdf2Sha256(parts: string[], today: number): Decoded | undefined {
  const stored = decodePbkdf2(parts, MAX_ITERATIONS);
  if (!stored) return undefined;
  const { iterations, salt } = stored;
  // An older hash by the engine of today's, in slices if they are: then it takes the same time beside
  // others, too.
  const like = Math.max(iterations, today);
  return {
    encode: (password) => encodePbkdf2Sha256(password, salt, iterations, like),
    mustUpdate: iterations < today || salt.length < SALT_LENGTH,
    time: () => iterations * relativeTime('SHA-256', like),
  };
}

function decodePbkdf2Sha1(parts: string[]): Decoded | undefined {
  const stored = decodePbkdf2(parts, MAX_SHA1_ITERATIONS);
  if (!stored) return undefined;
  const { iterations, salt } = stored;
  return {
    encode: (password) => encodePbkdf2Sha1(password, salt, iterations),
    mustUpdate: true,
    time: () => iterations * relativeTime('SHA-1', iterations),
  };
}

function decodePbkdf2([count, salt, hash, ...rest]: string[], maxIterations: number) {
  const iterations = parseCost(count);
  return salt && hash && rest.length === 0 && iterations <= maxIterations
    ? { iterations, salt }
    : undefined;
}

function decodeScrypt(parts: string[]): Decoded | undefined {
  const [workFactor, salt, blockSize, parallelism, hash] = parts;
  const [N, r, p] = [parseCost(workFactor), parseCost(blockSize), parseCost(parallelism)];
  // RFC 7914 §6: N is a power of two above 1. Memory is needed for B (128rp) and V (128rN).
  const allowed =
    N > 1 &&
    Number.isInteger(Math.log2(N)) &&
    128 * r * (N + p) <= MAX_SCRYPT_MEMORY_BYTES &&
    r * p <= MAX_SCRYPT_BLOCKS &&
    N * r * p <= MAX_SCRYPT_WORK;
  if (parts.length !== 5 || !salt || !hash || !allowed) return undefined;
  return {
    encode: async (password) => {
      const options = { N, r, p, dkLen: SCRYPT_LENGTH };
      const key = scrypt(utf8(password), utf8(salt), options);
      return `scrypt$${N}$${salt}$${r}$${p}$${base64(key)}`;
    },
    // scrypt is memory-hard, so PBKDF2 would be weaker.
    mustUpdate: false,
    // No work is added: scrypt's time is that of its own parameters.
    time: () => Number.POSITIVE_INFINITY,
  };
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

/** Parses a decimal integer. Anything else becomes infinity, which every limit refuses. */
const parseCost = (text: string | undefined): number =>
  text && /^[1-9]\d*$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
