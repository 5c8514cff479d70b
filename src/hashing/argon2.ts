/**
 * Argon2 (RFC 9106) in Django's format (`Argon2PasswordHasher`): the word `argon2` and the encoded form
 * of the C library, whose base64 has no padding.
 *
 *     argon2$argon2id$v=19$m=102400,t=2,p=8$<salt>$<hash>
 *
 * wasm/copy.ts names the source of the module: the C library. It computes one hash in one call.
 */
import { ServiceUnavailable } from '../lib/service-unavailable.ts';
import { base64, type Decoded, parseCost, type Refused, utf8 } from './decoded.ts';
import { asFunction, instantiate, memoryOf } from './wasm-exports.ts';

/** `Argon2_type` of the C library (include/argon2.h). */
const TYPES: Record<string, number> = { argon2d: 0, argon2i: 1, argon2id: 2 };

/** Hashes of argon2-cffi before 16.1 have no version, which means 1.0. */
const VERSION_10 = 16;
const VERSION_13 = 19;

/** Django's column has 128 characters. */
const FORM =
  /^argon2\$(argon2id|argon2i|argon2d)(?:\$v=(\d+))?\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,128})$/;

/** Limits of the C library (`ARGON2_MIN_…`, `ARGON2_MAX_LANES`), in bytes, KiB for each lane, and lanes. */
const MIN_SALT_BYTES = 8;
const MIN_HASH_BYTES = 4;
const MIN_KIB_OF_LANE = 8;
const MAX_LANES = 2 ** 24 - 1;

/** Django's own memory, 100 MiB. An isolate has 128 MB for everything. */
const MAX_MEMORY_KIB = 102_400;
/** m·t: about two seconds, 16 times that of Django's parameters. */
const MAX_WORK = 16 * MAX_MEMORY_KIB * 2;

/** The time of a KiB in a pass, in native iterations of PBKDF2. */
const TIME = 5;

/** KiB for which the memory with which an instance starts is enough. */
const INITIAL_KIB = 15_000;
/** Bytes that the library needs beside the blocks of the hash. */
const OVERHEAD_BYTES = 40_000;

/** `ARGON2_MEMORY_ALLOCATION_ERROR`. */
const NO_MEMORY = -22;

/** In the letters of RFC 9106 §3.1: passes t, memory m in KiB, lanes p, version v, type y. */
type Parameters = { t: number; m: number; p: number; v: number; y: number };

type Argon2 = {
  hash: (
    password: Uint8Array,
    salt: Uint8Array,
    length: number,
    parameters: Parameters,
  ) => Uint8Array;
  memory: WebAssembly.Memory;
};

export function decodeArgon2(encoded: string): Decoded | Refused {
  const [, type = '', version, memory, passes, lanes, b64Salt = '', b64Hash = ''] =
    FORM.exec(encoded) ?? [];
  const y = TYPES[type];
  const v = version === undefined ? VERSION_10 : Number(version);
  const [m, t, p] = [parseCost(memory), parseCost(passes), parseCost(lanes)];
  const [salt, hash] = [fromBase64(b64Salt), fromBase64(b64Hash)];
  const isValid =
    (v === VERSION_10 || v === VERSION_13) &&
    t > 0 &&
    p <= MAX_LANES &&
    m >= MIN_KIB_OF_LANE * p &&
    salt.length >= MIN_SALT_BYTES &&
    hash.length >= MIN_HASH_BYTES;
  if (y === undefined || !isValid) return 'malformed';
  if (m > MAX_MEMORY_KIB || m * t > MAX_WORK) return 'too-expensive';
  return {
    encode: async (password) => {
      const key = await argon2(utf8(password), salt, hash.length, { t, m, p, v, y });
      return `${encoded.slice(0, -b64Hash.length)}${toBase64(key)}`;
    },
    mustUpdate: true,
    time: () => m * t * TIME,
  };
}

let loaded: Argon2 | undefined;

/** @throws ServiceUnavailable if the isolate has not enough memory, or no WebAssembly */
async function argon2(...parameters: globalThis.Parameters<Argon2['hash']>): Promise<Uint8Array> {
  const argon2 = loaded ?? (await loadArgon2());
  // An instance in which a hash has failed is not used again.
  loaded = undefined;
  const key = argon2.hash(...parameters);
  loaded = argon2;
  return key;
}

/**
 * Makes an instance. One is kept for all hashes: memory of WebAssembly never shrinks, and a second
 * instance could exceed the isolate's limit before the first is collected.
 */
export async function loadArgon2(): Promise<Argon2> {
  const exports = await instantiate('argon2', () => import('./wasm/argon2.wasm'));
  const memory = memoryOf(exports);
  const [malloc, free] = [asFunction(exports.malloc), asFunction(exports.free)];
  const argon2Hash = asFunction(exports.argon2_hash);
  asFunction(exports._initialize)();
  let isGrown = false;

  /**
   * Grows the memory once, to the most that a hash may need. The library would grow it for each larger
   * hash without reusing what a smaller one has freed.
   */
  function grow() {
    free(malloc(MAX_MEMORY_KIB * 1024 + OVERHEAD_BYTES));
    isGrown = true;
  }

  function hash(password: Uint8Array, salt: Uint8Array, length: number, parameters: Parameters) {
    const { t, m, p, v, y } = parameters;
    if (m > INITIAL_KIB && !isGrown) grow();
    const size = password.length + salt.length + length;
    const at = Number(malloc(size));
    const [saltAt, keyAt] = [at + password.length, at + password.length + salt.length];
    const bytes = () => new Uint8Array(memory.buffer, at, size);
    bytes().set(password);
    bytes().set(salt, password.length);
    // Neither writes the encoded form.
    const [encodedAt, encodedLength] = [0, 0];
    const code = argon2Hash(
      ...[t, m, p, at, password.length, saltAt, salt.length, keyAt, length],
      ...[encodedAt, encodedLength, y, v],
    );
    const key = bytes().slice(keyAt - at);
    bytes().fill(0);
    free(at);
    if (code === NO_MEMORY) throw new ServiceUnavailable('hashing', 'No memory for argon2');
    if (code !== 0) throw new Error(`argon2_hash returned ${code}`);
    return key;
  }

  return { hash, memory };
}

/** Strict as the C library: no padding, and no bits beyond the last byte. Otherwise empty. */
function fromBase64(text: string): Uint8Array {
  // Such a length has a character too many.
  if (text.length % 4 === 1) return new Uint8Array();
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : new Uint8Array();
}

const toBase64 = (bytes: Uint8Array): string => base64(bytes).replaceAll('=', '');
