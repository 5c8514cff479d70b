import { expect, it } from 'vitest';
import { normalizeEmail } from '../../src/validation/normal-form.ts';

it.each([
  ['Ada@EXAMPLE.com', 'Ada@example.com'],
  ['"Ada@HOME"@EXAMPLE.com', '"Ada@HOME"@example.com'],
  ['Nobody', 'Nobody'],
  ['', ''],
])('lower-cases the part of %j after the last @', (email, normal) => {
  expect(normalizeEmail(email)).toBe(normal);
});
