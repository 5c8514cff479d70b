import { expect, it, vi } from 'vitest';
import { getRandomString } from '../../src/hashing/random-string.ts';

it('draws each of the 62 characters equally often', () => {
  // Returns the bytes in ascending order, so that an uneven mapping is detected.
  let byte = 0;
  vi.spyOn(crypto, 'getRandomValues').mockImplementation((bytes) => {
    if (bytes instanceof Uint8Array) for (const i of bytes.keys()) bytes[i] = byte++;
    return bytes;
  });
  const drawn = [...getRandomString(8 * 62)].sort().join('');
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  expect(drawn).toBe(alphabet.replace(/./g, (character) => character.repeat(8)));
});
