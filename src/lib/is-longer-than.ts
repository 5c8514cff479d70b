/**
 * Whether a text has more than `length` code points, as Python's `len()` counts them. A code point
 * is one or two UTF-16 units, so a long text is never counted.
 */
export const isLongerThan = (text: string, length: number): boolean =>
  text.length > 2 * length || (text.length > length && [...text].length > length);
