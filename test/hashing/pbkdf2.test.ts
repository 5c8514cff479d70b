import { pbkdf2 as noble } from '@noble/hashes/pbkdf2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex as hex, hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, inject, it, vi } from 'vitest';

import { SLICE_ITERATIONS } from '../../src/hashing/pbkdf2-webassembly.ts';
import { recordSlices } from '../helpers/record-slices.ts';
import { refuseAbove } from '../helpers/refuse-above.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Loads a new copy of the module, which caches what the runtime refused. */
const load = async () => {
  vi.resetModules();
  return import('../../src/hashing/pbkdf2.ts');
};

/** @returns the spy on `console.warn` */
const refuseWebAssembly = () => {
  vi.spyOn(WebAssembly, 'Instance').mockImplementation(function Instance() {
    throw new WebAssembly.RuntimeError('not here');
  });
  return vi.spyOn(console, 'warn').mockImplementation(() => {});
};

const ENGINES = [
  { engine: 'natively', arrange: () => {} },
  { engine: 'in WebAssembly', arrange: () => void refuseAbove(0) },
  {
    engine: 'in JavaScript',
    arrange: () => {
      refuseAbove(0);
      refuseWebAssembly();
    },
  },
];

/** RFC 7914 §11. The RFC derives 64 bytes; the first 32 are one block of SHA-256. */
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

/** RFC 6070 §2, without the vector of 16,777,216 iterations. */
const RFC_6070 = [
  { iterations: 1, key: '0c60c80f961f0e71f3a9b524af6012062fe037a6' },
  { iterations: 2, key: 'ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957' },
  { iterations: 4096, key: '4b007901b765489abead49d926f721d065a429c1' },
];

describe.each(ENGINES)('pbkdf2Sha256 $engine', ({ arrange }) => {
  it.each(RFC_7914)('derives RFC 7914: $password', async ({ key, ...vector }) => {
    arrange();
    const { pbkdf2Sha256 } = await load();
    const derived = await pbkdf2Sha256(utf8(vector.password), utf8(vector.salt), vector.iterations);
    expect(hex(derived)).toBe(key);
  });

  it.each([
    { name: 'an empty password', password: '', salt: 'sålt' },
    { name: 'characters beyond ASCII', password: 'pässwörd🔑', salt: '🧂' },
    { name: 'a NUL', password: 'ab\0cd', salt: 'sa\0lt' },
    { name: 'a password as long as a block', password: 'k'.repeat(64), salt: 's' },
    { name: 'a password longer than a block', password: 'k'.repeat(65), salt: 's'.repeat(100) },
    { name: 'the longest password', password: 'p'.repeat(4096), salt: 'salt' },
  ])('derives what noble derives: $name', async ({ password, salt }) => {
    arrange();
    const { pbkdf2Sha256 } = await load();
    const derived = await pbkdf2Sha256(utf8(password), utf8(salt), 1000);
    expect(hex(derived)).toBe(hex(noble(sha256, password, salt, { c: 1000, dkLen: 32 })));
  });
});

it('derives in WebAssembly what Node derives', async () => {
  refuseAbove(0);
  const { pbkdf2Sha256 } = await load();
  const derivations = inject('nodeDerivations');
  expect(derivations.length).toBeGreaterThanOrEqual(1000);
  const counts = derivations.map(({ iterations }) => iterations);
  expect(counts).toEqual(expect.arrayContaining([SLICE_ITERATIONS, SLICE_ITERATIONS + 1]));
  for (const { password, salt, iterations, key } of derivations) {
    const derived = await pbkdf2Sha256(hexToBytes(password), hexToBytes(salt), iterations);
    expect({ password, salt, iterations, key: hex(derived) }).toEqual({
      password,
      salt,
      iterations,
      key,
    });
  }
});

describe('pbkdf2Sha256', () => {
  it('does not try a refused iteration count again, but tries smaller ones', async () => {
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

  it('derives a small iteration count with the engine of a large one on request', async () => {
    const deriveBits = refuseAbove(1000);
    const { pbkdf2Sha256 } = await load();
    const key = await pbkdf2Sha256(utf8('pw'), utf8('salt'), 10);
    await pbkdf2Sha256(utf8('pw'), utf8('salt'), 2000);
    deriveBits.mockClear();
    expect(hex(await pbkdf2Sha256(utf8('pw'), utf8('salt'), 10, 2000))).toBe(hex(key));
    expect(deriveBits).not.toHaveBeenCalled();
  });

  it('throws any other error of the runtime', async () => {
    const broken = new DOMException('internal error', 'OperationError');
    vi.spyOn(crypto.subtle, 'deriveBits').mockRejectedValue(broken);
    const { pbkdf2Sha256 } = await load();
    await expect(pbkdf2Sha256(utf8('pw'), utf8('salt'), 1)).rejects.toBe(broken);
  });

  it('logs one warning without WebAssembly', async () => {
    refuseAbove(0);
    const warn = refuseWebAssembly();
    const { pbkdf2Sha256 } = await load();
    await pbkdf2Sha256(utf8('pw'), utf8('salt'), 1);
    await pbkdf2Sha256(utf8('pw'), utf8('salt'), 1);
    expect(warn.mock.calls).toEqual([
      ['{"event":"no-webassembly","message":"RuntimeError: not here"}'],
    ]);
  });
});

describe('slices', () => {
  it('yield to the event loop once between two slices', async () => {
    refuseAbove(0);
    const { pbkdf2Sha256 } = await load();
    await pbkdf2Sha256(utf8('pw'), utf8('salt'), 1);
    const setTimeout = vi.spyOn(globalThis, 'setTimeout');
    for (const [iterations, times] of [
      [SLICE_ITERATIONS + 1, 0],
      [SLICE_ITERATIONS + 2, 1],
      [2 * SLICE_ITERATIONS + 1, 1],
      [2 * SLICE_ITERATIONS + 2, 2],
    ] as const) {
      setTimeout.mockClear();
      await pbkdf2Sha256(utf8('pw'), utf8('salt'), iterations);
      expect(setTimeout).toHaveBeenCalledTimes(times);
    }
  });

  it('separate concurrent derivations', async () => {
    refuseAbove(0);
    const { pbkdf2Sha256 } = await load();
    const passwords = ['one', 'two', 'three'];
    const derive = (password: string) =>
      pbkdf2Sha256(utf8(password), utf8('salt'), 2 * SLICE_ITERATIONS + 5);
    const together = await Promise.all(passwords.map(derive));
    for (const [i, password] of passwords.entries()) {
      expect(hex(together[i] ?? new Uint8Array())).toBe(hex(await derive(password)));
    }
  });
});

it('leaves nothing in the memory of WebAssembly, including between slices', async () => {
  refuseAbove(0);
  const { slices, isMemoryEmpty } = recordSlices();
  const found: boolean[] = [];
  const { setTimeout } = globalThis;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation((...args) => {
    found.push(isMemoryEmpty());
    return setTimeout(...args);
  });
  const { pbkdf2Sha256 } = await load();
  await pbkdf2Sha256(utf8('pw'), utf8('salt'), SLICE_ITERATIONS + 2);
  expect(slices).toEqual([1, 1]);
  expect([...found, isMemoryEmpty()]).toEqual([true, true]);
});

describe('relativeTime', () => {
  it('is the time of the engine for this number of iterations', async () => {
    refuseAbove(1000);
    const { pbkdf2Sha256, relativeTime } = await load();
    await pbkdf2Sha256(utf8('pw'), utf8('salt'), 2000);
    expect(relativeTime('SHA-256', 1000)).toBe(1);
    expect(relativeTime('SHA-1', 1000)).toBe(1);
    expect(relativeTime('SHA-256', 2000)).toBe(2.4);
    expect(relativeTime('SHA-1', 2000)).toBe(14);
  });
});

describe.each([
  { engine: 'natively', arrange: () => {} },
  { engine: 'in JavaScript', arrange: () => void refuseAbove(0) },
])('pbkdf2Sha1 $engine', ({ arrange }) => {
  it.each(RFC_6070)('derives RFC 6070: $iterations iterations', async ({ iterations, key }) => {
    arrange();
    const { pbkdf2Sha1 } = await load();
    expect(hex(await pbkdf2Sha1(utf8('password'), utf8('salt'), iterations))).toBe(key);
  });

  it('derives RFC 6070 with a NUL inside password and salt', async () => {
    arrange();
    const { pbkdf2Sha1 } = await load();
    const derived = await pbkdf2Sha1(utf8('pass\0word'), utf8('sa\0lt'), 4096);
    expect(hex(derived.slice(0, 16))).toBe('56fa6aa75548099dcc37d7f03425e0c3');
  });
});
