import { expect, it } from 'vitest';
import { pythonNumber } from '../../src/validation/python-number.ts';

/** JSON text, and the result of `str(json.loads(text))` in Python 3.11. */
const PYTHON = [
  ['0', '0'],
  ['-0', '0'],
  ['123456789012345678901234567890', '123456789012345678901234567890'],
  ['1.0', '1.0'],
  ['-0.0', '-0.0'],
  ['1e5', '100000.0'],
  ['1E5', '100000.0'],
  ['1e15', '1000000000000000.0'],
  ['1e16', '1e+16'],
  ['1e22', '1e+22'],
  ['1234567890123456.7', '1234567890123456.8'],
  ['0.0001', '0.0001'],
  ['0.00001', '1e-05'],
  ['1.5e300', '1.5e+300'],
  ['5e-324', '5e-324'],
  ['1e400', 'inf'],
  ['-1e400', '-inf'],
] as const;

it.each(PYTHON)('writes %s as Python does: %s', (source, written) => {
  expect(pythonNumber(source)).toBe(written);
});
