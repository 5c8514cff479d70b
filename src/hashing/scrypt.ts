/**
 * scrypt (RFC 7914) in Django's format (`ScryptPasswordHasher`):
 *
 *     scrypt$<N>$<salt>$<r>$<p>$<base64>
 */
import { scrypt as scryptInJavaScript } from '@noble/hashes/scrypt.js';
import { base64, type Decoded, parseCost, type Refused, utf8 } from './decoded.ts';

/**
 * Python's `hashlib.scrypt` leaves the limit to OpenSSL, and that is 32 MiB (crypto/evp/pbe_scrypt.c,
 * `SCRYPT_MAX_MEM`). Django raises above it. Its parameters, N = 2^14, r = 8 and p = 5, need 16 MiB.
 */
const MAX_MEMORY_BYTES = 32 * 1024 * 1024;
/** r·p, in units of 128 bytes. PBKDF2 derives these bytes before the N rounds, even if N is small. */
const MAX_BLOCKS = 128;
/** N·r·p: four times that of Django's parameters. */
const MAX_WORK = 4 * 2 ** 14 * 8 * 5;

const KEY_BYTES = 64;

/** The time of a unit of N·r·p in `node:crypto`, in native iterations of PBKDF2. */
const TIME = 1.3;

export function decodeScrypt(encoded: string): Decoded | Refused {
  const [, workFactor, salt, blockSize, parallelism, hash, ...rest] = encoded.split('$');
  const [N, r, p] = [parseCost(workFactor), parseCost(blockSize), parseCost(parallelism)];
  // RFC 7914 §6: N is a power of two above 1.
  const isComplete = salt && hash && rest.length === 0 && r > 0 && p > 0;
  if (!isComplete || !(N > 1 && Number.isInteger(Math.log2(N)))) return 'malformed';
  // OpenSSL counts B (128rp), V (128rN) and two blocks of 128r.
  const memory = 128 * r * (N + p + 2);
  if (memory > MAX_MEMORY_BYTES || r * p > MAX_BLOCKS || N * r * p > MAX_WORK)
    return 'too-expensive';
  return {
    encode: async (password) => {
      const key = await scrypt(utf8(password), utf8(salt), { N, r, p });
      return `scrypt$${N}$${salt}$${r}$${p}$${base64(key)}`;
    },
    mustUpdate: true,
    time: () => N * r * p * TIME,
  };
}

type Parameters = { N: number; r: number; p: number };

type NodeCrypto = Pick<typeof import('node:crypto'), 'scryptSync'>;

/**
 * Derives 64 bytes by the runtime, or by JavaScript, which takes twice as long, if the runtime has no
 * `node:crypto` (a compatibility date before 2026-08-04 without `nodejs_compat`) or refuses the
 * parameters: production refuses N·r·p above 2^20.
 *
 * @param load imports `node:crypto`
 */
export async function scrypt(
  password: Uint8Array,
  salt: Uint8Array,
  parameters: Parameters,
  load: () => Promise<NodeCrypto> = () => import('node:crypto'),
): Promise<Uint8Array> {
  try {
    const { scryptSync } = await load();
    // It computes in this thread in any case, also where its name has no Sync.
    return scryptSync(password, salt, KEY_BYTES, { ...parameters, maxmem: 2 * MAX_MEMORY_BYTES });
  } catch {
    return scryptInJavaScript(password, salt, { ...parameters, dkLen: KEY_BYTES });
  }
}
