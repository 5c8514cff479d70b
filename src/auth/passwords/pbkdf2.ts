/**
 * Key derivation by PBKDF2 (RFC 8018 §5.2), twice: the runtime's own first, @noble/hashes in
 * JavaScript where the runtime refuses. Both give the same bytes. No formats, no comparison: hashers.ts.
 */
import { sha1 } from '@noble/hashes/legacy.js';
import { pbkdf2 } from '@noble/hashes/pbkdf2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { pbkdf2 as nativePbkdf2, sha256 as nativeSha256 } from '@noble/hashes/webcrypto.js';

/** Bytes of SHA-256's and SHA-1's output, and so of the keys Django stores. */
const SHA256_LENGTH = 32;
const SHA1_LENGTH = 20;

/**
 * The smallest iteration count this isolate's WebCrypto has refused. Production Workers refuse
 * everything above 100,000, local ones nothing; asking again with each login would be wasted.
 */
let refusedIterations = Number.POSITIVE_INFINITY;

/**
 * PBKDF2-HMAC-SHA-256.
 *
 * @param password UTF-8 bytes, of any length, the empty password included
 * @param salt UTF-8 bytes
 * @param iterations from 1 to 2^31 - 1
 * @returns 32 bytes
 */
export async function pbkdf2Sha256(
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): Promise<Uint8Array> {
  const options = { c: iterations, dkLen: SHA256_LENGTH };
  if (iterations < refusedIterations) {
    try {
      return await nativePbkdf2(nativeSha256, password, salt, options);
    } catch (error) {
      // Anything but the refusal is a fault: falling back would hide it behind twelve times the CPU.
      if (!(error instanceof Error && error.name === 'NotSupportedError')) throw error;
      refusedIterations = iterations;
    }
  }
  return pbkdf2(sha256, password, salt, options);
}

/**
 * PBKDF2-HMAC-SHA-1, for imported hashes only; noble has no native one. Parameters as `pbkdf2Sha256`.
 *
 * @returns 20 bytes
 */
export function pbkdf2Sha1(password: Uint8Array, salt: Uint8Array, iterations: number): Uint8Array {
  return pbkdf2(sha1, password, salt, { c: iterations, dkLen: SHA1_LENGTH });
}
