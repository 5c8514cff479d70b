import { afterEach, describe, expect, it, vi } from 'vitest';
import { refuseAbove } from './refuse-above.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const hex = (bytes: Uint8Array) => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');

/** Each test gets the module anew: it remembers what the runtime refused. */
const load = async () => {
  vi.resetModules();
  return import('../../../src/auth/passwords/pbkdf2.ts');
};

afterEach(() => vi.restoreAllMocks());

/** RFC 7914 §11; there 64 bytes are derived, of which the first 32 are one block of SHA-256. */
const RFC_7914 = [
  {
    password: 'passwd',
    salt: 'salt',
    iterations: 1,
    key: '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc',
  },
  {
    password: 'Password',
    salt: 'NaCl',
    iterations: 80_000,
    key: '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56',
  },
];

/** RFC 6070 §2, but for the one of 16,777,216 iterations. */
const RFC_6070 = [
  { iterations: 1, key: '0c60c80f961f0e71f3a9b524af6012062fe037a6' },
  { iterations: 2, key: 'ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957' },
  { iterations: 4096, key: '4b007901b765489abead49d926f721d065a429c1' },
];

describe('pbkdf2Sha256', () => {
  it.each(RFC_7914)('derives RFC 7914 natively: $password', async ({ key, ...vector }) => {
    const { pbkdf2Sha256 } = await load();
    const derived = await pbkdf2Sha256(utf8(vector.password), utf8(vector.salt), vector.iterations);
    expect(hex(derived)).toBe(key);
  });

  it.each(RFC_7914)('derives RFC 7914 in JavaScript: $password', async ({ key, ...vector }) => {
    refuseAbove(0);
    const { pbkdf2Sha256 } = await load();
    const derived = await pbkdf2Sha256(utf8(vector.password), utf8(vector.salt), vector.iterations);
    expect(hex(derived)).toBe(key);
  });

  it('gives the same bytes natively and in JavaScript', async () => {
    const passwords = [
      '',
      'pässwörd🔑',
      'ab\0cd',
      'k'.repeat(64),
      'k'.repeat(65),
      'p'.repeat(4096),
    ];
    for (const password of passwords) {
      const native = await (await load()).pbkdf2Sha256(utf8(password), utf8('sålt'), 1000);
      const refusal = refuseAbove(0);
      const inJavaScript = await (await load()).pbkdf2Sha256(utf8(password), utf8('sålt'), 1000);
      refusal.mockRestore();
      expect(hex(inJavaScript)).toBe(hex(native));
    }
  });

  it('asks the runtime no more for a count it has refused, and still for smaller ones', async () => {
    const deriveBits = refuseAbove(1000);
    const { pbkdf2Sha256 } = await load();
    const derive = (iterations: number) => pbkdf2Sha256(utf8('pw'), utf8('salt'), iterations);
    await derive(2000);
    await derive(2000);
    await derive(3000);
    expect(deriveBits).toHaveBeenCalledTimes(1);
    await derive(1000);
    expect(deriveBits).toHaveBeenCalledTimes(2);
  });

  it('does not hide any other error of the runtime behind the JavaScript path', async () => {
    const broken = new DOMException('internal error', 'OperationError');
    vi.spyOn(crypto.subtle, 'deriveBits').mockRejectedValue(broken);
    const { pbkdf2Sha256 } = await load();
    await expect(pbkdf2Sha256(utf8('pw'), utf8('salt'), 1)).rejects.toBe(broken);
  });
});

describe('pbkdf2Sha1', () => {
  it.each(RFC_6070)('derives RFC 6070: $iterations iterations', async ({ iterations, key }) => {
    const { pbkdf2Sha1 } = await load();
    expect(hex(pbkdf2Sha1(utf8('password'), utf8('salt'), iterations))).toBe(key);
  });

  it('derives RFC 6070 with a NUL inside password and salt', async () => {
    const { pbkdf2Sha1 } = await load();
    const derived = pbkdf2Sha1(utf8('pass\0word'), utf8('sa\0lt'), 4096);
    expect(hex(derived.slice(0, 16))).toBe('56fa6aa75548099dcc37d7f03425e0c3');
  });
});
