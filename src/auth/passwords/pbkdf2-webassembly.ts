/**
 * PBKDF2-HMAC-SHA-256 in WebAssembly, in slices: between two of them the thread is free for others.
 * wasm/build.ts makes the loop. A derivation leaves no state behind.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { giveThreadBack } from '../../give-thread-back.ts';

/** Iterations in a slice: about 6 ms of work. Clocks on Workers stand still meanwhile. */
export const SLICE_ITERATIONS = 22_000;

/** SHA-256's (FIPS 180-4 §1). */
const BLOCK_BYTES = 64;
const DIGEST_WORDS = 8;
const WORD_BYTES = 4;

/** RFC 2104 §2, as words, and the places of wasm/build.ts in memory, counted in words. */
const IPAD = 0x36363636;
const OPAD = 0x5c5c5c5c;
const [INNER, OUTER, U, T, KEY] = [0, 8, 16, 24, 32];
const MEMORY_WORDS = 48;

/** INT (1) of the first and only block (RFC 8018 §5.2): a derived key is as long as a digest. */
const FIRST_BLOCK = Uint8Array.of(0, 0, 0, 1);

export type Derive = (
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
) => Promise<Uint8Array>;

/**
 * Loads the loop.
 *
 * @returns what derives 32 bytes; parameters as those of `pbkdf2Sha256`
 * @throws where this runtime or this bundle has no WebAssembly
 */
export async function loadWebAssembly(): Promise<Derive> {
  const { default: module } = await import('./wasm/pbkdf2-sha256.wasm');
  const { memory, absorbKey, iterate } = new WebAssembly.Instance(module).exports;
  if (
    !(memory instanceof WebAssembly.Memory) ||
    typeof absorbKey !== 'function' ||
    typeof iterate !== 'function'
  ) {
    throw new Error('pbkdf2-sha256.wasm is not what wasm/build.ts makes');
  }
  const words = new Uint32Array(memory.buffer, 0, MEMORY_WORDS);

  return async function derive(password, salt, iterations) {
    const block = new Uint8Array(BLOCK_BYTES);
    block.set(password.length > BLOCK_BYTES ? sha256(password) : password);
    words.set(toWords(block), KEY);
    absorbKey(IPAD, INNER * WORD_BYTES);
    absorbKey(OPAD, OUTER * WORD_BYTES);
    const first = toWords(hmac(sha256, password, concatBytes(salt, FIRST_BLOCK)));
    words.set(first, U);
    words.set(first, T);

    for (let left = iterations - 1; left > 0; left -= SLICE_ITERATIONS) {
      iterate(Math.min(left, SLICE_ITERATIONS));
      if (left <= SLICE_ITERATIONS) break;
      // Another derivation may run meanwhile.
      const state = words.slice();
      words.fill(0);
      await giveThreadBack();
      words.set(state);
    }
    const key = toBytes(words.subarray(T, T + DIGEST_WORDS));
    words.fill(0);
    return key;
  };
}

/** SHA-256 reads bytes in big-endian order (FIPS 180-4 §3.1). */
function toWords(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.length / WORD_BYTES }, (_, i) =>
    view.getUint32(i * WORD_BYTES),
  );
}

function toBytes(words: Uint32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(words.length * WORD_BYTES));
  for (const [i, word] of words.entries()) view.setUint32(i * WORD_BYTES, word);
  return new Uint8Array(view.buffer);
}
