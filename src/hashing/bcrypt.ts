/**
 * bcrypt in Django's formats (`BCryptSHA256PasswordHasher`, `BCryptPasswordHasher`):
 *
 *     bcrypt_sha256$$2b$12$<22 characters of salt><31 characters of hash>
 *     bcrypt$$2b$12$…
 *
 * `bcrypt_sha256` hashes the hexadecimal SHA-256 of the password. `bcrypt` reads 72 bytes of the password.
 * wasm/copy.ts names the source of the module.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Decoded, Refused } from './decoded.ts';
import { asFunction, instantiate, memoryOf } from './wasm-exports.ts';

/** `$2a$` and `$2y$` are read as `$2b$`, as Python's bcrypt does. */
const FORM = /^(bcrypt(?:_sha256)?)\$(\$2[aby]\$)(\d\d)\$([./A-Za-z0-9]{22})[./A-Za-z0-9]{31}$/;

/** The cost is a power of two. Django's is 12. The largest takes about a second. */
const MIN_COST = 4;
const MAX_COST = 14;
/** The highest that bcrypt has. */
const HIGHEST_COST = 31;

const MAX_PASSWORD_BYTES = 72;
const SALT_BYTES = 16;

/** The parameter that asks for the encoded form of the hash. */
const IS_ENCODED = 1;

/** The length of `$2b$12$` and of all of the encoded form. */
const HEADER_LENGTH = 7;
const ENCODED_LENGTH = 60;

/** bcrypt's own alphabet of base64, and the usual one. */
const BCRYPT_BASE64 = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The time of one of 2^cost rounds, in native iterations of PBKDF2. */
const TIME = 400;

export function decodeBcrypt(encoded: string): Decoded | Refused {
  const [, algorithm, variant = '', digits, salt = ''] = FORM.exec(encoded) ?? [];
  const cost = Number(digits);
  if (!algorithm || cost < MIN_COST || cost > HIGHEST_COST) return 'malformed';
  if (cost > MAX_COST) return 'too-expensive';
  return {
    encode: async (password) => {
      const isSha256 = algorithm === 'bcrypt_sha256';
      const bytes = utf8ToBytes(isSha256 ? bytesToHex(sha256(utf8ToBytes(password))) : password);
      const hashed = await bcrypt(bytes.subarray(0, MAX_PASSWORD_BYTES), saltBytes(salt), cost);
      // Python's bcrypt refuses NUL: there, a password could end at it.
      if (bytes.includes(0)) return '';
      return `${algorithm}$${variant}${digits}$${hashed}`;
    },
    mustUpdate: true,
    time: () => 2 ** cost * TIME,
  };
}

const saltBytes = (salt: string): Uint8Array =>
  Uint8Array.from(
    atob(salt.replaceAll(/./g, (character) => BASE64.charAt(BCRYPT_BASE64.indexOf(character)))),
    (character) => character.charCodeAt(0),
  );

/** @returns salt and hash in bcrypt's base64 */
async function bcrypt(password: Uint8Array, salt: Uint8Array, cost: number): Promise<string> {
  // The module changes its tables of π, so an instance hashes one password.
  const exports = await instantiate('bcrypt', () => import('./wasm/bcrypt.wasm'));
  const hash = asFunction(exports.bcrypt);
  const at = Number(asFunction(exports.Hash_GetBuffer)());
  const memory = new Uint8Array(memoryOf(exports).buffer);
  memory.set(salt, at);
  memory.set(password, at + SALT_BYTES);
  hash(password.length, cost, IS_ENCODED);
  const encoded = memory.subarray(at, at + ENCODED_LENGTH);
  return String.fromCharCode(...encoded.subarray(HEADER_LENGTH));
}
