/**
 * Key derivation by PBKDF2 (RFC 8018 §5.2). Three engines, the same bytes: the runtime's own first;
 * where the runtime refuses, WebAssembly; where that can't be had, @noble/hashes in JavaScript. No
 * formats, no comparison: hashers.ts.
 */
import { sha1 } from '@noble/hashes/legacy.js';
import { pbkdf2 } from '@noble/hashes/pbkdf2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { pbkdf2 as nativePbkdf2, sha256 as nativeSha256 } from '@noble/hashes/webcrypto.js';
import { log } from '../lib/log.ts';
import { type Derive, loadWebAssembly } from './pbkdf2-webassembly.ts';

/** Bytes of SHA-256's and SHA-1's output, and so of the keys Django stores. */
const SHA256_BYTES = 32;
const SHA1_BYTES = 20;

/** The time of one iteration beside a native one of either hash, measured in workerd on x86-64. */
const NATIVE = 1;
const WEBASSEMBLY = 2.4;
const JAVASCRIPT_SHA256 = 18;
const JAVASCRIPT_SHA1 = 14;

/**
 * The smallest iteration count this isolate's WebCrypto has refused. Production Workers refuse
 * everything above 100,000, local ones nothing. Asking again with each login would be wasted.
 */
let refusedIterations = Number.POSITIVE_INFINITY;

/** Undefined until it is needed; null where it can't be had. */
let webAssembly: Derive | null | undefined;

/**
 * PBKDF2-HMAC-SHA-256.
 *
 * @param password UTF-8 bytes, of any length, the empty password included
 * @param salt UTF-8 bytes
 * @param iterations from 1 to 2^31 - 1
 * @param like derives by the engine that this count would be derived by
 * @returns 32 bytes
 */
export async function pbkdf2Sha256(
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  like = iterations,
): Promise<Uint8Array> {
  const options = { c: iterations, dkLen: SHA256_BYTES };
  const native = await unlessRefused(like, () =>
    nativePbkdf2(nativeSha256, password, salt, options),
  );
  if (native) return native;
  const derive = await loadedWebAssembly();
  return derive?.(password, salt, iterations) ?? pbkdf2(sha256, password, salt, options);
}

/** PBKDF2-HMAC-SHA-1, for imported hashes only. Parameters as `pbkdf2Sha256`. @returns 20 bytes */
export async function pbkdf2Sha1(
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): Promise<Uint8Array> {
  const native = await unlessRefused(iterations, async () => {
    const key = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits']);
    const parameters = { name: 'PBKDF2', hash: 'SHA-1', salt, iterations };
    return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, SHA1_BYTES * 8));
  });
  return native ?? pbkdf2(sha1, password, salt, { c: iterations, dkLen: SHA1_BYTES });
}

/** The time of one iteration, of a derivation of so many, beside a native one: 1 or more. */
export function relativeTime(hash: 'SHA-256' | 'SHA-1', iterations: number): number {
  if (iterations < refusedIterations) return NATIVE;
  if (hash === 'SHA-1') return JAVASCRIPT_SHA1;
  return webAssembly === null ? JAVASCRIPT_SHA256 : WEBASSEMBLY;
}

/** Undefined where the runtime refuses so many iterations. */
async function unlessRefused(
  iterations: number,
  derive: () => Promise<Uint8Array>,
): Promise<Uint8Array | undefined> {
  if (iterations >= refusedIterations) return undefined;
  try {
    return await derive();
  } catch (error) {
    // Anything but the refusal is a fault. A slower engine would hide it.
    if (!(error instanceof Error && error.name === 'NotSupportedError')) throw error;
    refusedIterations = iterations;
    return undefined;
  }
}

/** Null where it can't be had. That is said once, for JavaScript takes seven times as long. */
async function loadedWebAssembly(): Promise<Derive | null> {
  if (webAssembly !== undefined) return webAssembly;
  try {
    webAssembly = await loadWebAssembly();
  } catch (error) {
    log('warn', { event: 'no-webassembly', message: String(error) });
    webAssembly = null;
  }
  return webAssembly;
}
