import { expect, it } from 'vitest';
import { waitAfter } from '../../src/auth/password-attempts.ts';

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;

it.each([
  [0, 0],
  [9, 0],
  [10, 30 * SECOND_MS],
  [11, 60 * SECOND_MS],
  [16, 1920 * SECOND_MS],
  [17, HOUR_MS],
  [99, HOUR_MS],
  [100, Number.POSITIVE_INFINITY],
  [101, Number.POSITIVE_INFINITY],
])('after %i failures in a row the next attempt waits %f ms', (failures, waitMs) => {
  expect(waitAfter(failures)).toBe(waitMs);
});

it('a wait is never shorter than the one before', () => {
  for (let failures = 1; failures <= 100; failures++) {
    expect(waitAfter(failures)).toBeGreaterThanOrEqual(waitAfter(failures - 1));
  }
});
