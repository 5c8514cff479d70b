/**
 * What a stored password is, without trying one on it (django/contrib/auth/hashers.py,
 * `identify_hasher`).
 */
import { decode } from './hashers.ts';

/**
 * - `verifiable` a login checks it
 * - `unusable` no password fits, on purpose (`set_unusable_password`)
 * - `unsupported` Django could check it, we can't
 * - `malformed` no password fits, in Django neither
 */
type PasswordKind = 'verifiable' | 'unusable' | 'unsupported' | 'malformed';

export type IdentifiedPassword = {
  kind: PasswordKind;
  /** Django's name of the algorithm, or empty where there is none. */
  algorithm: string;
  /** PBKDF2's work factor; undefined for anything else. */
  iterations?: number | undefined;
};

/** The hashers Django has or had, of those we don't verify. */
const UNSUPPORTED = ['argon2', 'bcrypt_sha256', 'bcrypt', 'sha1', 'md5', 'crypt'];

/** Django's `is_password_usable`: what such a "hash" starts with. */
export const UNUSABLE_PREFIX = '!';

/**
 * Hex digests without an algorithm's name: `UnsaltedMD5PasswordHasher`,
 * `UnsaltedSHA1PasswordHasher`.
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
  // Whole, but dearer than we are ready to pay; anything else that `decode` refuses is broken.
  const isWhole = parts.length === (isPbkdf2 ? 3 : 5) && parts.every(Boolean);
  return isWhole && !Number.isNaN(iterations)
    ? { kind: 'unsupported', algorithm, iterations }
    : { kind: 'malformed', algorithm, iterations: undefined };
}
