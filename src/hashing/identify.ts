/**
 * Identifies the format of a stored password without checking a password
 * (django/contrib/auth/hashers.py, `identify_hasher`).
 */
import { algorithmOf, decode } from './hashers.ts';

/**
 * Django's hashers, and the names of their algorithms in stored passwords. The first is the one of
 * new passwords. Of the others, Django's own list (`PASSWORD_HASHERS`) has the first four.
 */
export const PASSWORD_HASHERS = {
  PBKDF2PasswordHasher: 'pbkdf2_sha256',
  PBKDF2SHA1PasswordHasher: 'pbkdf2_sha1',
  Argon2PasswordHasher: 'argon2',
  BCryptSHA256PasswordHasher: 'bcrypt_sha256',
  ScryptPasswordHasher: 'scrypt',
  BCryptPasswordHasher: 'bcrypt',
  MD5PasswordHasher: 'md5',
  SHA1PasswordHasher: 'sha1',
  UnsaltedMD5PasswordHasher: 'unsalted_md5',
  UnsaltedSHA1PasswordHasher: 'unsalted_sha1',
} as const;

export type PasswordHasherName = keyof typeof PASSWORD_HASHERS;

/**
 * - `verifiable`: a login can check it
 * - `not-listed`: its hasher is not in `PASSWORD_HASHERS`
 * - `too-expensive`: above the limits of this service
 * - `unsupported`: Django can check it, this service cannot
 * - `unusable`: intentionally matches no password (`set_unusable_password`)
 * - `malformed`: matches no password, in Django too
 */
export type PasswordKind =
  | 'verifiable'
  | 'not-listed'
  | 'too-expensive'
  | 'unsupported'
  | 'unusable'
  | 'malformed';

/** Whether Django may be able to check such a password, and this service is not. */
export const isNotSupported = (kind: PasswordKind | undefined): boolean =>
  kind === 'not-listed' || kind === 'too-expensive' || kind === 'unsupported';

export type IdentifiedPassword = {
  kind: PasswordKind;
  /** Django's name of the algorithm; empty if there is none. */
  algorithm: string;
  /** PBKDF2's work factor; undefined for anything else. */
  iterations?: number | undefined;
};

/** The algorithm of `CryptPasswordHasher`, which Django 5.0 has removed. */
const CRYPT = 'crypt';

/** The prefix of an unusable password (`is_password_usable`). */
export const UNUSABLE_PREFIX = '!';

/** @param hashers the setting `PASSWORD_HASHERS` */
export function identifyPassword(
  encoded: string,
  hashers: readonly PasswordHasherName[],
): IdentifiedPassword {
  if (encoded.startsWith(UNUSABLE_PREFIX)) return { kind: 'unusable', algorithm: '' };

  const algorithm = algorithmOf(encoded);
  if (algorithm === CRYPT) return { kind: 'unsupported', algorithm };
  const isKnown = Object.values<string>(PASSWORD_HASHERS).includes(algorithm);
  if (!isKnown) return { kind: 'malformed', algorithm: '' };

  const decoded = decode(encoded, 1);
  if (decoded === 'malformed') return { kind: 'malformed', algorithm };
  const iterations = algorithm.startsWith('pbkdf2') ? Number(encoded.split('$')[1]) : undefined;
  const isListed = hashers.some((name) => PASSWORD_HASHERS[name] === algorithm);
  if (!isListed) return { kind: 'not-listed', algorithm, iterations };
  return {
    kind: decoded === 'too-expensive' ? 'too-expensive' : 'verifiable',
    algorithm,
    iterations,
  };
}
