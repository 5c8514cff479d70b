/**
 * PBKDF2-HMAC-SHA-256 in WebAssembly, in slices of one password or of four together. wasm/build.ts
 * builds the modules, and queue.ts schedules the slices. WebAssembly keeps no state
 * between slices.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { log } from '../lib/log.ts';
import { inSlices, LANES, type RunSlice } from './queue.ts';
import { asFunction, memoryOf } from './wasm-exports.ts';

/**
 * Iterations in a slice: about 6 ms of work for one password, 12 ms for four. It is a count and not
 * a time, because the clock on Workers does not advance during computation.
 */
export const SLICE_ITERATIONS = 22_000;

/** Sizes of SHA-256 (FIPS 180-4 §1). */
const BLOCK_BYTES = 64;
const WORD_BYTES = 4;

/** The pads of RFC 2104 §2 as words, and the memory offsets of wasm/build.ts in words. */
const IPAD = 0x36363636;
const OPAD = 0x5c5c5c5c;
const [INNER, OUTER, U, T, KEY] = [0, 8, 16, 24, 32];
const STATE_WORDS = KEY;

/** INT (1) of RFC 8018 §5.2. The derived key is as long as a digest, so there is only one block. */
const FIRST_BLOCK = Uint8Array.of(0, 0, 0, 1);

export type Derive = (
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
) => Promise<Uint8Array>;

/**
 * Loads the modules.
 *
 * @returns a function that derives 32 bytes, with the parameters of `pbkdf2Sha256`
 * @throws if this runtime or bundle does not support WebAssembly
 */
export async function loadWebAssembly(): Promise<Derive> {
  const { default: module } = await import('./wasm/pbkdf2-sha256.wasm');
  const { exports, ...one } = instantiate(module, 1);
  const key = new Uint32Array(one.words.buffer, KEY * WORD_BYTES, BLOCK_BYTES / WORD_BYTES);
  const absorbKey = asFunction(exports.absorbKey);
  const four = await loadLanes();

  const runSlice: RunSlice = (derivations) => {
    const { lanes, words, iterate } = derivations.length > 1 && four ? four : one;
    const together = derivations.slice(0, lanes);
    const iterations = Math.min(SLICE_ITERATIONS, ...together.map(({ left }) => left));
    for (const [lane, { state }] of together.entries())
      for (const [i, word] of state.entries()) words[i * lanes + lane] = word;
    iterate(iterations);
    for (const [lane, derivation] of together.entries()) {
      derivation.state.set(words.filter((_, i) => i % lanes === lane));
      derivation.left -= iterations;
    }
    words.fill(0);
  };

  return async function derive(password, salt, iterations) {
    const block = new Uint8Array(BLOCK_BYTES);
    block.set(password.length > BLOCK_BYTES ? sha256(password) : password);
    key.set(toWords(block));
    absorbKey(IPAD, INNER * WORD_BYTES);
    absorbKey(OPAD, OUTER * WORD_BYTES);
    const state = one.words.slice();
    key.fill(0);
    one.words.fill(0);
    const first = toWords(hmac(sha256, password, concatBytes(salt, FIRST_BLOCK)));
    state.set(first, U);
    state.set(first, T);
    await inSlices({ state, left: iterations - 1 }, runSlice);
    return toBytes(state.subarray(T));
  };
}

/** Loads the module for four passwords. Returns undefined if this runtime has no SIMD. */
async function loadLanes() {
  try {
    const { default: module } = await import('./wasm/pbkdf2-sha256-lanes.wasm');
    return instantiate(module, LANES);
  } catch (error) {
    log('warn', { event: 'no-simd', message: String(error) });
    return undefined;
  }
}

/** @throws TypeError if wasm/build.ts did not build this module */
function instantiate(module: WebAssembly.Module, lanes: number) {
  const { exports } = new WebAssembly.Instance(module);
  const words = new Uint32Array(memoryOf(exports).buffer, 0, STATE_WORDS * lanes);
  return { exports, lanes, words, iterate: asFunction(exports.iterate) };
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
