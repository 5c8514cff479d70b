/**
 * Django's password formats (django/contrib/auth/hashers.py). A stored password is
 *
 *     pbkdf2_sha256$<iterations>$<salt>$<base64>      what `makePassword` writes
 *     pbkdf2_sha1$<iterations>$<salt>$<base64>        verified, then replaced
 *     scrypt$<N>$<salt>$<r>$<p>$<base64>              verified
 *     !<anything>                                     no password can be right
 *
 * Passwords and salts are taken as UTF-8, exactly as received. These functions hash at once and on
 * this thread; password-hashing.ts decides where and when they are called.
 */
import { scrypt } from '@noble/hashes/scrypt.js';
import { constantTimeCompare } from '../lib/constant-time-compare.ts';
import { pbkdf2Sha1, pbkdf2Sha256, relativeTime } from './pbkdf2.ts';
import { getRandomString } from './random-string.ts';

/** Django's salts carry 128 bits (`BasePasswordHasher.salt_entropy`): 22 of 62 characters. */
const SALT_LENGTH = 22;

/**
 * Hashes above these ceilings are refused before any work, because a crafted row must not burn
 * minutes of CPU. Each ceiling is a few seconds of work by the slowest engine that production uses.
 * The highest default of Django so far is 1,200,000 iterations of either PBKDF2 (Django 6.0).
 */
export const MAX_ITERATIONS = 10_000_000;
/** Production refuses to derive this much natively, and JavaScript takes 14 times as long. */
const MAX_SHA1_ITERATIONS = 2_000_000;

/** Django's parameters, N = 2^14, r = 8 and p = 5, ask for 16 MiB. */
const MAX_SCRYPT_MEMORY_BYTES = 64 * 1024 * 1024;
/** r·p, in units of 128 bytes. PBKDF2 makes so many before the N rounds, however small N is. */
const MAX_SCRYPT_BLOCKS = 128;
/** N·r·p. Django's parameters, four times. */
const MAX_SCRYPT_WORK = 4 * 2 ** 14 * 8 * 5;
const SCRYPT_LENGTH = 64;

/** Django's answer to `verify_password`: is it the password, and should its hash be made anew? */
export type Verification = { isCorrect: boolean; mustUpdate: boolean };

/** A stored password taken apart: its cost is known and allowed, so `encode` may be run. */
type Decoded = {
  /** Encodes another password with the same parameters. */
  encode: (password: string) => Promise<string>;
  /** Is this weaker than what `makePassword` would write today? */
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
 * Checks a password against its stored form (`verify_password`). Never throws for what is stored: a
 * malformed, unknown, unusable or too costly encoding is a wrong password.
 *
 * Costs at least as much as one of today's hashes, so that the time does not show a weaker hash.
 * Django adds what is missing only after a wrong password (`harden_runtime`). Here a correct one
 * costs the same, because a login may be refused all the same: the user may be inactive. A hash that
 * costs more than today's costs what its own parameters ask; for those see auth/stand-in.ts.
 *
 * @param encoded what is stored, or undefined if there is nothing to compare with
 * @param iterations what `makePassword` is called with today
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

/** Undefined if no password can be right, or if checking one would cost too much. */
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
  // RFC 7914 §6: N is a power of two above 1. The memory is that of its B (128rp) and V (128rN).
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
    // Memory-hard: PBKDF2 in its place would be a downgrade.
    mustUpdate: false,
    // It costs what its own parameters ask.
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

/** A decimal count as Python prints it; for anything else infinity, which every ceiling refuses. */
const parseCost = (text: string | undefined): number =>
  text && /^[1-9]\d*$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
