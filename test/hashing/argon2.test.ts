/** The WebAssembly of Argon2: its results, and the memory of the instance that is kept. */
import { argon2d, argon2i, argon2id } from '@noble/hashes/argon2.js';
import { bytesToHex as hex, randomBytes } from '@noble/hashes/utils.js';
import { expect, it } from 'vitest';
import { loadArgon2 } from '../../src/hashing/argon2.ts';
import { ServiceUnavailable } from '../../src/lib/service-unavailable.ts';

/** By the number of the type in the C library. */
const IN_JAVASCRIPT = [argon2d, argon2i, argon2id];

const MIB = 1024 * 1024;

/** Parameters for KiB of memory, and otherwise as cheap as possible. */
const cheap = (m: number) => ({ t: 1, m, p: 1, v: 19, y: 2 });

const upTo = (max: number) => Math.floor(Math.random() * (max + 1));

it('derives the same keys as JavaScript, for random parameters and lengths', async () => {
  const { hash } = await loadArgon2();
  for (let i = 0; i < 60; i++) {
    const [p, y, v] = [1 + upTo(4), i % 3, upTo(1) ? 19 : 16];
    const [t, m, length] = [1 + upTo(2), 8 * p + upTo(100), 4 + upTo(100)];
    const [password, salt] = [randomBytes(upTo(300)), randomBytes(8 + upTo(40))];
    const expected = IN_JAVASCRIPT[y]?.(password, salt, { t, m, p, version: v, dkLen: length });
    const key = hash(password, salt, length, { t, m, p, v, y });
    expect(hex(key)).toBe(hex(expected ?? new Uint8Array()));
  }
});

it('keeps the memory with which it starts if hashes are small', async () => {
  const { hash, memory } = await loadArgon2();
  const atStart = memory.buffer.byteLength;
  for (const m of [8, 512, 15_000]) hash(randomBytes(8), randomBytes(8), 32, cheap(m));
  expect(memory.buffer.byteLength).toBe(atStart);
  expect(atStart).toBeLessThan(17 * MIB);
});

it.each([
  { sizes: [102_400, 8, 102_400] },
  { sizes: [15_001, 102_400] },
  { sizes: [512, 19_456, 47_104, 65_536, 102_400, 65_536, 102_400] },
])('grows once to 101 MiB at most: $sizes KiB', async ({ sizes }) => {
  const { hash, memory } = await loadArgon2();
  for (const m of sizes) hash(randomBytes(4096), randomBytes(16), 32, cheap(m));
  expect(memory.buffer.byteLength).toBeGreaterThan(100 * MIB);
  expect(memory.buffer.byteLength).toBeLessThan(101 * MIB);
});

it('keeps no password in memory after a hash', async () => {
  const { hash, memory } = await loadArgon2();
  const password = randomBytes(64);
  hash(password, randomBytes(16), 32, cheap(64));
  const latin1 = new TextDecoder('latin1');
  expect(latin1.decode(memory.buffer).includes(latin1.decode(password))).toBe(false);
});

it('is unavailable, and not a wrong password, if there is not enough memory', async () => {
  const { hash } = await loadArgon2();
  // The most that the library allows, 2 GiB.
  const tooLarge = cheap(2 ** 21);
  expect(() => hash(randomBytes(8), randomBytes(8), 32, tooLarge)).toThrow(ServiceUnavailable);
});

it('throws an error for parameters that the library refuses', async () => {
  const { hash } = await loadArgon2();
  expect(() => hash(randomBytes(8), randomBytes(7), 32, cheap(8))).toThrow(
    'argon2_hash returned -6',
  );
});
