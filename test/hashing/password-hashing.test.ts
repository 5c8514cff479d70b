import { expect, it, vi } from 'vitest';
import { createLocalHasher } from '../../src/hashing/password-hashing.ts';
import { ServiceUnavailable } from '../../src/lib/service-unavailable.ts';
import { recordSlices } from '../helpers/record-slices.ts';
import { refuseAbove } from '../helpers/refuse-above.ts';

const { makePassword, verifyPassword } = createLocalHasher(1000);

it('hashes one password at a time, for new and verified passwords', async () => {
  const deriveBits = crypto.subtle.deriveBits.bind(crypto.subtle);
  let running = 0;
  const together: number[] = [];
  vi.spyOn(crypto.subtle, 'deriveBits').mockImplementation(async (...args) => {
    together.push(++running);
    const bits = await deriveBits(...args);
    running--;
    return bits;
  });
  await Promise.all([
    makePassword('a'),
    makePassword('b'),
    verifyPassword('c', undefined),
    verifyPassword('d', undefined),
  ]);
  expect(together).toEqual([1, 1, 1, 1]);
});

it('lets 64 wait for the running one, and refuses further ones', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 67 }, () => makePassword('pw')));
  const reasons = outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason);
  const refused = reasons.filter((reason) => reason instanceof ServiceUnavailable);
  expect(reasons.slice(0, 65)).toEqual(Array(65).fill(false));
  expect(refused).toHaveLength(2);
});

/** Hashes `count` new passwords of a client at once, and returns which were refused. */
async function outcomesOf(client: string, count: number): Promise<('hashed' | 'refused')[]> {
  const hashing = createLocalHasher(1000, () => client);
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, () => hashing.makePassword('pw')),
  );
  return outcomes.map((outcome) => {
    if (outcome.status === 'fulfilled') return 'hashed';
    if (outcome.reason instanceof ServiceUnavailable) return 'refused';
    throw outcome.reason;
  });
}

it('accepts a class of 32 that shares an address', async () => {
  expect(await outcomesOf('192.0.2.1', 32)).toEqual(Array(32).fill('hashed'));
});

it('keeps places for others while one address requests all', async () => {
  const [greedy, other] = await Promise.all([
    outcomesOf('192.0.2.1', 200),
    outcomesOf('192.0.2.2', 20),
  ]);
  expect(other).toEqual(Array(20).fill('hashed'));
  expect(greedy).toEqual([...Array(40).fill('hashed'), ...Array(160).fill('refused')]);
});

it('verifies hashes of any iteration count four at a time in WebAssembly', async () => {
  const { slices } = recordSlices();
  refuseAbove(100);
  // The module caches the iteration count that the runtime has refused.
  vi.resetModules();
  const fresh = await import('../../src/hashing/password-hashing.ts');
  const { verifyPassword } = fresh.createLocalHasher(3000);
  const counts = [2000, 3000, 50_000, 101, 70_000, 3000, 2500, 4000];
  const encoded = await Promise.all(
    counts.map((count, i) => fresh.createLocalHasher(count).makePassword(`password ${i}`)),
  );
  slices.length = 0;
  const verified = await Promise.all([
    ...encoded.map((stored, i) => verifyPassword(`password ${i}`, stored)),
    verifyPassword('password', undefined),
    ...encoded.map((stored, i) => verifyPassword(`password ${i + 1}`, stored)),
  ]);
  expect(verified.map(({ isCorrect }) => isCorrect)).toEqual([
    ...Array(8).fill(true),
    ...Array(9).fill(false),
  ]);
  expect(slices).toContain(4);
});
