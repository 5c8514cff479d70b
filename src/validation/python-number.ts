/**
 * From this exponent on, and below 10^-4, Python's `repr(float)` writes powers of ten
 * (`float_repr_style`).
 */
const SCIENTIFIC_FROM = 1e16;
const SCIENTIFIC_BELOW = 1e-4;

/**
 * What Python's `str()` makes of a JSON number: the digits of an integer as they are, however many,
 * and the shortest form of a float, which always shows that it is one.
 *
 * @param source the number as it stands in the JSON text
 */
export function pythonNumber(source: string): string {
  if (!/[.eE]/.test(source)) return source === '-0' ? '0' : source;
  const value = Number(source);
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const magnitude = Math.abs(value);
  if (magnitude >= SCIENTIFIC_FROM || (magnitude > 0 && magnitude < SCIENTIFIC_BELOW)) {
    // JavaScript: 1e-7, 1e+21; Python pads the exponent to two digits.
    return value.toExponential().replace(/e(?<sign>[+-])(?<digit>\d)$/, 'e$<sign>0$<digit>');
  }
  const digits = Object.is(value, -0) ? '-0' : String(value);
  return digits.includes('.') ? digits : `${digits}.0`;
}
