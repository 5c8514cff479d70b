/**
 * Whether a string has more than `length` code points, which Python's `len()` counts. A code point
 * has one or two UTF-16 units, so long strings need not be counted.
 */
export const isLongerThan = (text: string, length: number): boolean =>
  text.length > 2 * length || (text.length > length && [...text].length > length);
