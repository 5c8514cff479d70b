import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('the list of common passwords is sorted, so that it compresses well', () => {
  const list = readFileSync('src/auth/common-passwords.txt', 'utf8').split('\n');
  expect(list).toEqual([...new Set(list)].sort());
  expect(list.length).toBeGreaterThan(19_000);
});
