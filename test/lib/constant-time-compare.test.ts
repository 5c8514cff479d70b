import { expect, it } from 'vitest';
import { constantTimeCompare } from '../../src/lib/constant-time-compare.ts';

it.each([
  ['', '', true],
  ['abc', 'abc', true],
  ['abc', 'Abc', false],
  ['abc', 'abC', false],
  ['abc', 'abcd', false],
  ['abcd', 'abc', false],
  ['', 'a', false],
])('compares %j and %j', (a, b, isSame) => {
  expect(constantTimeCompare(a, b)).toBe(isSame);
});
