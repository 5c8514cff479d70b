/**
 * Identifies the format of a stored password without checking a password
 * (django/contrib/auth/hashers.py, `identify_hasher`).
 */
import { decode } from './hashers.ts';

/**
 * - `verifiable`: a login can check it
 * - `unusable`: intentionally matches no password (`set_unusable_password`)
 * - `unsupported`: Django can check it, this service cannot
 * - `malformed`: matches no password, in Django too
 */
type PasswordKind = 'verifiable' | 'unusable' | 'unsupported' | 'malformed';

export type IdentifiedPassword = {
  kind: PasswordKind;
  /** Django's name of the algorithm; empty if there is none. */
  algorithm: string;
  /** PBKDF2's work factor; undefined for anything else. */
  iterations?: number | undefined;
};

/** Current and former hashers of Django that this service does not support. */
const UNSUPPORTED = ['argon2', 'bcrypt_sha256', 'bcrypt', 'sha1', 'md5', 'crypt'];

/** The prefix of an unusable password (`is_password_usable`). */
export const UNUSABLE_PREFIX = '!';

/**
 * Hexadecimal digests without a salt: `UnsaltedMD5PasswordHasher`, `UnsaltedSHA1PasswordHasher`.
 */
const UNSALTED_MD5 = /^(md5\$\$)?[0-9a-f]{32}$/;
const UNSALTED_SHA1 = /^sha1\$\$[0-9a-f]{40}$/;

export function identifyPassword(encoded: string): IdentifiedPassword {
  if (encoded.startsWith(UNUSABLE_PREFIX)) return { kind: 'unusable', algorithm: '' };
  if (UNSALTED_MD5.test(encoded)) return { kind: 'unsupported', algorithm: 'unsalted_md5' };
  if (UNSALTED_SHA1.test(encoded)) return { kind: 'unsupported', algorithm: 'unsalted_sha1' };

  const [algorithm = '', ...parts] = encoded.split('$');
  if (parts.length > 0 && UNSUPPORTED.includes(algorithm))
    return { kind: 'unsupported', algorithm };
  const isPbkdf2 = algorithm === 'pbkdf2_sha256' || algorithm === 'pbkdf2_sha1';
  if (!isPbkdf2 && algorithm !== 'scrypt') return { kind: 'malformed', algorithm: '' };

  const iterations = isPbkdf2 ? Number(parts[0]) : undefined;
  if (decode(encoded, 1)) return { kind: 'verifiable', algorithm, iterations };
  // Complete, but above the limits of `decode`. Anything else that `decode` refuses is malformed.
  const isComplete = parts.length === (isPbkdf2 ? 3 : 5) && parts.every(Boolean);
  return isComplete && !Number.isNaN(iterations)
    ? { kind: 'unsupported', algorithm, iterations }
    : { kind: 'malformed', algorithm, iterations: undefined };
}
