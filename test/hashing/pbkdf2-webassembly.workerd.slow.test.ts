/** The WebAssembly modules for one and for four passwords, with random concurrency. */
import { bytesToHex as hex, hexToBytes, randomBytes } from '@noble/hashes/utils.js';
import { expect, inject, it, vi } from 'vitest';
import {
  type Derive,
  loadWebAssembly,
  SLICE_ITERATIONS,
} from '../../src/hashing/pbkdf2-webassembly.ts';
import { recordSlices } from '../helpers/record-slices.ts';

/** Short enough for more than four to be in line, and long enough for none to be. */
const MAX_PAUSE_MS = 5;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

type Input = { password: Uint8Array; salt: Uint8Array; iterations: number };

/** Derives with the runtime's own PBKDF2. */
async function natively({ password, salt, iterations }: Input) {
  const key = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits']);
  const parameters = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations };
  return hex(new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 256)));
}

/** Derives all inputs, up to `atOnce` at a time, each starting at a random time. */
async function deriveConcurrently(
  derive: Derive,
  inputs: Input[],
  atOnce: number,
): Promise<string[]> {
  const keys: string[] = [];
  const left = inputs.entries();
  const deriveInSequence = async () => {
    for (const [i, { password, salt, iterations }] of left) {
      await sleep(Math.random() * MAX_PAUSE_MS);
      keys[i] = hex(await derive(password, salt, iterations));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, deriveInSequence));
  return keys;
}

it('derives the same keys as Node, with random concurrency', async () => {
  const { slices, isMemoryEmpty } = recordSlices();
  const derive = await loadWebAssembly();
  const derivations = inject('nodeDerivations').map(({ password, salt, iterations, key }) => ({
    password: hexToBytes(password),
    salt: hexToBytes(salt),
    iterations,
    key,
  }));
  expect(derivations.length).toBeGreaterThanOrEqual(1000);
  const keys = await deriveConcurrently(derive, derivations, 8);
  expect(keys).toEqual(derivations.map(({ key }) => key));
  expect(new Set(slices)).toEqual(new Set([1, 4]));
  expect(isMemoryEmpty()).toBe(true);
});

it('separates a hundred derivations, and keeps nothing in memory between slices', async () => {
  const { slices, isMemoryEmpty } = recordSlices();
  const derive = await loadWebAssembly();
  const derivations = Array.from({ length: 100 }, (_, i) => ({
    password: randomBytes(16),
    salt: randomBytes(16),
    iterations: 1 + Math.floor((i * 2.5 * SLICE_ITERATIONS) / 100),
  }));
  const found: boolean[] = [];
  const look = setInterval(() => found.push(isMemoryEmpty()), 10);
  const keys = await deriveConcurrently(derive, derivations, 100);
  clearInterval(look);
  const expected = await Promise.all(derivations.map(natively));
  expect(keys).toEqual(expected);
  expect(slices).toContain(4);
  expect(found.length).toBeGreaterThan(0);
  expect([...found, isMemoryEmpty()]).not.toContain(false);
});

it('derives one password at a time without SIMD, and logs one warning', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const { slices } = recordSlices();
  const instantiate = vi.mocked(WebAssembly.Instance).getMockImplementation();
  vi.mocked(WebAssembly.Instance).mockImplementation(function refuse(module) {
    const names = WebAssembly.Module.exports(module).map(({ name }) => name);
    if (!names.includes('absorbKey') || !instantiate)
      throw new WebAssembly.CompileError('Wasm SIMD unsupported');
    return Reflect.construct(instantiate, [module]);
  });
  const derive = await loadWebAssembly();
  const inputs = Array.from({ length: 12 }, () => ({
    password: randomBytes(16),
    salt: randomBytes(16),
    iterations: SLICE_ITERATIONS + 2,
  }));
  expect(await deriveConcurrently(derive, inputs, 12)).toEqual(
    await Promise.all(inputs.map(natively)),
  );
  expect(slices).toEqual(Array(24).fill(1));
  expect(warn.mock.calls).toEqual([
    ['{"event":"no-simd","message":"CompileError: Wasm SIMD unsupported"}'],
  ]);
});
