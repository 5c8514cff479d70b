/**
 * Python's `repr(float)` uses scientific notation from 10^16 and below 10^-4 (`float_repr_style`).
 */
const SCIENTIFIC_FROM = 1e16;
const SCIENTIFIC_BELOW = 1e-4;

/**
 * Formats a JSON number as Python's `str()`: an integer keeps all its digits, and a float has its
 * shortest form, always with a point or an exponent.
 *
 * @param source the number in the JSON text
 */
export function pythonNumber(source: string): string {
  if (!/[.eE]/.test(source)) return source === '-0' ? '0' : source;
  const value = Number(source);
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const magnitude = Math.abs(value);
  if (magnitude >= SCIENTIFIC_FROM || (magnitude > 0 && magnitude < SCIENTIFIC_BELOW)) {
    // JavaScript writes 1e-7. Python pads the exponent to two digits: 1e-07.
    return value.toExponential().replace(/e(?<sign>[+-])(?<digit>\d)$/, 'e$<sign>0$<digit>');
  }
  const digits = Object.is(value, -0) ? '-0' : String(value);
  return digits.includes('.') ? digits : `${digits}.0`;
}
