import { expect, it, vi } from 'vitest';
import { hashHere } from '../../../src/auth/passwords/password-hashing.ts';
import { ServiceUnavailable } from '../../../src/service-unavailable.ts';

const { makePassword, verifyPassword } = hashHere(1000);

it('hashes one password at a time, whatever it is for', async () => {
  const deriveBits = crypto.subtle.deriveBits.bind(crypto.subtle);
  let atWork = 0;
  const together: number[] = [];
  vi.spyOn(crypto.subtle, 'deriveBits').mockImplementation(async (...args) => {
    together.push(++atWork);
    const bits = await deriveBits(...args);
    atWork--;
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

it('lets 64 wait for the one at work, and turns away who comes then', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 67 }, () => makePassword('pw')));
  const reasons = outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason);
  const turnedAway = reasons.filter((reason) => reason instanceof ServiceUnavailable);
  expect(reasons.slice(0, 65)).toEqual(Array(65).fill(false));
  expect(turnedAway).toHaveLength(2);
});
