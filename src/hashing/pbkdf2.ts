/**
 * Key derivation by PBKDF2 (RFC 8018 §5.2). There are three engines with the same result. The
 * runtime's WebCrypto is used first. If it refuses the iteration count, WebAssembly is used. Without
 * WebAssembly, `@noble/hashes` is used. Formats and comparison are in hashers.ts.
 */
import { sha1 } from '@noble/hashes/legacy.js';
import { pbkdf2 } from '@noble/hashes/pbkdf2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { pbkdf2 as nativePbkdf2, sha256 as nativeSha256 } from '@noble/hashes/webcrypto.js';
import { log } from '../lib/log.ts';
import { type Derive, loadWebAssembly } from './pbkdf2-webassembly.ts';

/** Bytes of the output of SHA-256 and SHA-1, and so of Django's keys. */
const SHA256_BYTES = 32;
const SHA1_BYTES = 20;

/** The time of one iteration relative to a native one, measured in workerd on x86-64. */
const NATIVE = 1;
const WEBASSEMBLY = 2.4;
const JAVASCRIPT_SHA256 = 18;
const JAVASCRIPT_SHA1 = 14;

/**
 * The smallest iteration count that WebCrypto has refused in this isolate. Production Workers
 * refuse counts above 100,000. Local Workers refuse none. The count is cached to avoid an attempt
 * per login.
 */
let refusedIterations = Number.POSITIVE_INFINITY;

/** Undefined until it is needed; null if it is not available. */
let webAssembly: Derive | null | undefined;

/**
 * PBKDF2-HMAC-SHA-256.
 *
 * @param password UTF-8 bytes, of any length, the empty password included
 * @param salt UTF-8 bytes
 * @param iterations from 1 to 2^31 - 1
 * @param like use the engine for this many iterations
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
  const derive = await loadWebAssemblyOnce();
  return derive?.(password, salt, iterations) ?? pbkdf2(sha256, password, salt, options);
}

/**
 * PBKDF2-HMAC-SHA-1, for imported hashes only. Parameters as in `pbkdf2Sha256`.
 *
 * @returns 20 bytes
 */
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

/** The time of one iteration in such a derivation, relative to a native one: 1 or more. */
export function relativeTime(hash: 'SHA-256' | 'SHA-1', iterations: number): number {
  if (iterations < refusedIterations) return NATIVE;
  if (hash === 'SHA-1') return JAVASCRIPT_SHA1;
  return webAssembly === null ? JAVASCRIPT_SHA256 : WEBASSEMBLY;
}

/** Returns undefined if the runtime refuses this number of iterations. */
async function unlessRefused(
  iterations: number,
  derive: () => Promise<Uint8Array>,
): Promise<Uint8Array | undefined> {
  if (iterations >= refusedIterations) return undefined;
  try {
    return await derive();
  } catch (error) {
    // Any other error is a fault, which a slower engine would hide.
    if (!(error instanceof Error && error.name === 'NotSupportedError')) throw error;
    refusedIterations = iterations;
    return undefined;
  }
}

/**
 * Returns null if it is not available. Logs one warning, because JavaScript is seven times as slow.
 */
async function loadWebAssemblyOnce(): Promise<Derive | null> {
  if (webAssembly !== undefined) return webAssembly;
  try {
    webAssembly = await loadWebAssembly();
  } catch (error) {
    log('warn', { event: 'no-webassembly', message: String(error) });
    webAssembly = null;
  }
  return webAssembly;
}
