import { randomBytes } from '@noble/hashes/utils.js';

const ALPHANUMERIC = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/**
 * The smallest mask that covers the alphabet's 62 indices. Higher values are drawn again.
 */
const INDEX_MASK = 63;

/**
 * Draws `length` characters uniformly from `[a-zA-Z0-9]`, log2(62) ≈ 5.95 bits each
 * (django/utils/crypto.py, `get_random_string`).
 */
export function getRandomString(length: number): string {
  let drawn = '';
  while (drawn.length < length) {
    for (const byte of randomBytes(length - drawn.length)) {
      // charAt returns '' beyond the alphabet. This rejection keeps all characters equally likely.
      drawn += ALPHANUMERIC.charAt(byte & INDEX_MASK);
    }
  }
  return drawn;
}
