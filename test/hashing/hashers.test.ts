import { hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, it, vi } from 'vitest';
import { makePassword, verifyPassword } from '../../src/hashing/hashers.ts';
import { SLICE_ITERATIONS } from '../../src/hashing/pbkdf2-webassembly.ts';
import { recordSlices } from '../helpers/record-slices.ts';
import { refuseAbove } from '../helpers/refuse-above.ts';

const ITERATIONS = 1000;

/** Returns a function that lists the iterations of each native derivation since this call. */
const spyOnIterations = () => {
  const deriveBits = vi.spyOn(crypto.subtle, 'deriveBits');
  return () =>
    deriveBits.mock.calls.map(([algorithm]) =>
      typeof algorithm === 'object' ? algorithm.iterations : undefined,
    );
};

describe('makePassword', () => {
  it("writes Django's format: algorithm, iterations, a salt of 22 characters, 32 bytes in base64", async () => {
    expect(await makePassword('ducharme', ITERATIONS)).toMatch(
      /^pbkdf2_sha256\$1000\$[a-zA-Z0-9]{22}\$[A-Za-z0-9+/]{43}=$/,
    );
  });

  it('uses a new salt for each password', async () => {
    const [a, b] = [await makePassword('same', ITERATIONS), await makePassword('same', ITERATIONS)];
    expect(a).not.toBe(b);
  });

  it('stays within the 128 characters of the column with the largest iteration count', async () => {
    const encoded = await makePassword('pw', ITERATIONS);
    expect(encoded.replace('$1000$', '$10000000$').length).toBeLessThanOrEqual(128);
  });
});

describe('verifyPassword', () => {
  it('accepts only the password of the hash', async () => {
    const encoded = await makePassword('pässwörd 🔑 ', ITERATIONS);
    const right = await verifyPassword('pässwörd 🔑 ', encoded, ITERATIONS);
    expect(right).toEqual({ isCorrect: true, mustUpdate: false });
    const trimmed = await verifyPassword('pässwörd 🔑', encoded, ITERATIONS);
    expect(trimmed).toEqual({ isCorrect: false, mustUpdate: false });
  });

  it.each([
    {
      name: 'RFC 7914 §12, N = 1024',
      password: 'password',
      parameters: 'scrypt$1024$NaCl$8$16',
      key:
        'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162' +
        '2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
    },
    {
      name: 'RFC 7914 §12, N = 16384',
      password: 'pleaseletmein',
      parameters: 'scrypt$16384$SodiumChloride$8$1',
      key:
        '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2' +
        'd5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
    },
  ])('accepts scrypt: $name', async ({ password, parameters, key }) => {
    const encoded = `${parameters}$${base64(hexToBytes(key))}`;
    const right = await verifyPassword(password, encoded, ITERATIONS);
    expect(right).toEqual({ isCorrect: true, mustUpdate: true });
    const wrong = await verifyPassword(`${password}x`, encoded, ITERATIONS);
    expect(wrong).toEqual({ isCorrect: false, mustUpdate: false });
  });

  it.each([
    { name: 'fewer iterations', encoded: 'pbkdf2_sha256$999$SALTsaltSALTsaltSALTsa$' },
    { name: 'more iterations', encoded: 'pbkdf2_sha256$2000$SALTsaltSALTsaltSALTsa$' },
    { name: 'a salt of fewer than 128 bits', encoded: 'pbkdf2_sha256$1000$seasalt$' },
    { name: 'more iterations and a short salt', encoded: 'pbkdf2_sha256$2000$seasalt$' },
  ])('requires an update if a new hash is different, as in Django: $name', async ({ encoded }) => {
    const complete = await completed(encoded, 'pw');
    expect(await verifyPassword('pw', complete, ITERATIONS)).toEqual({
      isCorrect: true,
      mustUpdate: true,
    });
    expect((await verifyPassword('no', complete, ITERATIONS)).mustUpdate).toBe(false);
  });

  it('requires an update if the hash is PBKDF2 with SHA-1', async () => {
    const encoded = 'pbkdf2_sha1$1000$seasalt$TUuionyo6+gcOjtcRZXqQUMH0OQ=';
    const verified = await verifyPassword('ducharme', encoded, ITERATIONS);
    expect(verified).toEqual({ isCorrect: true, mustUpdate: true });
  });

  it.each([
    { name: 'no user', encoded: undefined },
    { name: 'an empty column', encoded: '' },
    { name: 'an unusable password', encoded: '!UqPz7f0vGm3kXb8sRt2yWc5nLd9hJa4eQo6iBp1T' },
    { name: 'an unknown algorithm', encoded: 'crypt$$abBnbvhnmongU' },
    {
      name: 'argon2 with more memory than the limit',
      encoded: 'argon2$argon2id$v=19$m=102401,t=1,p=1$c29tZXNhbHQ$aGFzaA',
    },
    {
      name: 'argon2 with more work than the limit',
      encoded: 'argon2$argon2id$v=19$m=102400,t=33,p=8$c29tZXNhbHQ$aGFzaA',
    },
    { name: 'bcrypt above the highest cost', encoded: `bcrypt_sha256$$2b$15$${'A'.repeat(53)}` },
    { name: 'a malformed iteration count', encoded: 'pbkdf2_sha256$1e3$NaCl$AAAA' },
    { name: 'no iterations', encoded: 'pbkdf2_sha256$0$NaCl$AAAA' },
    {
      name: 'an empty salt',
      encoded: 'pbkdf2_sha256$1000$$oDUwIi0TG0fZgsmBDvjjtrbGdmtrGhutVhusvMeWb+A=',
    },
    { name: 'a missing part', encoded: 'pbkdf2_sha256$1000$NaCl' },
    { name: 'more iterations than the limit', encoded: 'pbkdf2_sha256$10000001$NaCl$AAAA' },
    {
      name: 'an iteration count that is not finite',
      encoded: `pbkdf2_sha256$${'9'.repeat(400)}$NaCl$AAAA`,
    },
    {
      name: 'more iterations of SHA-1 than the limit',
      encoded: 'pbkdf2_sha1$2000001$NaCl$AAAA',
    },
    {
      name: 'scrypt with more memory than OpenSSL allows',
      encoded: 'scrypt$32768$NaCl$8$1$AAAA',
    },
    { name: 'scrypt with too many lanes', encoded: 'scrypt$1024$NaCl$8$17$AAAA' },
    { name: 'scrypt with too large blocks', encoded: 'scrypt$2$NaCl$131072$1$AAAA' },
    { name: 'scrypt with more work than the limit', encoded: 'scrypt$16384$NaCl$8$21$AAAA' },
    { name: 'scrypt whose N is not a power of two', encoded: 'scrypt$1000$NaCl$8$1$AAAA' },
    { name: 'scrypt whose N is 1', encoded: 'scrypt$1$NaCl$8$1$AAAA' },
  ])('refuses $name in the time of a new hash', async ({ encoded }) => {
    const iterations = spyOnIterations();
    const verified = await verifyPassword('pw', encoded, ITERATIONS);
    expect(verified).toEqual({ isCorrect: false, mustUpdate: false });
    expect(iterations()).toEqual([ITERATIONS]);
  });

  it('takes the time of a new hash for a wrong password of an older hash', async () => {
    const encoded = await makePassword('pw', 600);
    const iterations = spyOnIterations();
    await verifyPassword('wrong', encoded, ITERATIONS);
    expect(iterations()).toEqual([600, 400]);
  });

  it('takes the same time for a correct password of an older hash', async () => {
    const encoded = await makePassword('pw', 600);
    const iterations = spyOnIterations();
    const verified = await verifyPassword('pw', encoded, ITERATIONS);
    expect(verified).toEqual({ isCorrect: true, mustUpdate: true });
    expect(iterations()).toEqual([600, 400]);
  });

  it('takes the time of a new hash for a wrong password of a SHA-1 hash', async () => {
    const iterations = spyOnIterations();
    await verifyPassword('wrong', `pbkdf2_sha1$600$seasalt$${'A'.repeat(27)}=`, ITERATIONS);
    expect(iterations()).toEqual([600, 400]);
  });

  it('computes the missing work in time, because new hashes use a slower engine', async () => {
    const slice = SLICE_ITERATIONS;
    refuseAbove(slice);
    const today = 3 * slice + 1;
    // This caches that the runtime refuses the current iteration count.
    await makePassword('pw', today);
    const setTimeout = vi.spyOn(globalThis, 'setTimeout');
    const stored = `pbkdf2_sha1$${slice}$seasalt$${'A'.repeat(27)}=`;
    await verifyPassword('wrong', stored, today);
    // The native slice took the time of 0.4 slices. The missing 2.6 take three slices.
    expect(setTimeout).toHaveBeenCalledTimes(2);
  });

  it('derives an older hash in slices if today’s are: both take as many iterations', async () => {
    const { slices } = recordSlices();
    refuseAbove(SLICE_ITERATIONS);
    const { makePassword, verifyPassword } = await fresh();
    const today = 3 * SLICE_ITERATIONS + 1;
    await makePassword('pw', today);
    const deriveBits = vi.mocked(crypto.subtle.deriveBits);
    deriveBits.mockClear();
    slices.length = 0;
    const stored = `pbkdf2_sha256$${SLICE_ITERATIONS + 1}$seasalt$${'A'.repeat(43)}=`;
    await verifyPassword('wrong', stored, today);
    expect(slices).toEqual([1, 1, 1]);
    expect(deriveBits).not.toHaveBeenCalled();
  });

  it('does the missing work with the engine of new hashes', async () => {
    const today = 3 * SLICE_ITERATIONS + 1;
    refuseAbove(SLICE_ITERATIONS);
    await makePassword('pw', today);
    const iterations = spyOnIterations();
    const stored = today - 1000;
    await verifyPassword('wrong', `pbkdf2_sha256$${stored}$seasalt$${'A'.repeat(43)}=`, today);
    // WebCrypto gets the stored count, but not the 1000 that it would accept.
    expect(iterations().filter((count) => count === 1000)).toEqual([]);
  });

  it('runs the stored number of iterations if it is within the limit', async () => {
    const iterations = spyOnIterations();
    await verifyPassword('pw', 'pbkdf2_sha256$20000$NaCl$AAAA', ITERATIONS);
    expect(iterations()).toEqual([20_000]);
  });
});

/** The module anew: it remembers what the runtime has refused. */
const fresh = async () => {
  vi.resetModules();
  return import('../../src/hashing/hashers.ts');
};

/** Completes an encoding with its hash. */
async function completed(prefix: string, password: string): Promise<string> {
  const { pbkdf2Sha256 } = await import('../../src/hashing/pbkdf2.ts');
  const [, iterations, salt = ''] = prefix.split('$');
  const utf8 = (text: string) => new TextEncoder().encode(text);
  const key = await pbkdf2Sha256(utf8(password), utf8(salt), Number(iterations));
  return prefix + base64(key);
}

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));
