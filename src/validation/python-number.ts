/** Numbers in JSON as Python's `str()` writes them, which is what DRF's `CharField` makes of them. */

/**
 * From this exponent on, and below 10^-4, Python's `repr(float)` writes powers of ten
 * (`float_repr_style`).
 */
const SCIENTIFIC_FROM = 1e16;
const SCIENTIFIC_BELOW = 1e-4;

/**
 * The digits of an integer as they are, however many, and the shortest form of a float, which always
 * shows that it is one.
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

/**
 * Writes an object's own numbers as Python does.
 *
 * @param fields what `JSON.parse` made of `source`
 */
export function withPythonNumbers(
  fields: Record<string, unknown>,
  source: string,
): Record<string, unknown> {
  if (!Object.values(fields).some((value) => typeof value === 'number')) return fields;
  const numbers = numberSources(source).map(([key, number]) => [key, pythonNumber(number)]);
  return { ...fields, ...Object.fromEntries(numbers) };
}

const NUMBER = /[-+.eE\d]+/y;

/**
 * An object's own numbers by key, as they stand in its JSON text. A reviver of `JSON.parse` gets
 * them too, but it is called for every value at every depth: 13 ms for a list of 64 KiB.
 *
 * @param source valid JSON
 */
function numberSources(source: string): [key: string, number: string][] {
  const numbers: [string, string][] = [];
  let depth = 0;
  let key = '';
  for (let at = 0; at < source.length; at++) {
    const character = source.charAt(at);
    if (character === '"') {
      const start = at++;
      while (source.charAt(at) !== '"') at += source.charAt(at) === '\\' ? 2 : 1;
      // The last text before a number is its key.
      if (depth === 1) key = source.slice(start, at + 1);
    } else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    else if (depth === 1 && /[-\d]/.test(character)) {
      NUMBER.lastIndex = at;
      const number = NUMBER.exec(source)?.[0] ?? '';
      numbers.push([JSON.parse(key), number]);
      at += number.length - 1;
    }
  }
  return numbers;
}
