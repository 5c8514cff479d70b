/**
 * White space to Python (`str.isspace`). JavaScript's `trim` would add U+FEFF, and miss U+001C to
 * U+001F and U+0085.
 */
const WHITE_SPACE = new Set(
  '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008' +
    '\u2009\u200a\u2028\u2029\u202f\u205f\u3000',
);

/**
 * Python's `str.strip()`, in linear time. A regular expression for the end would begin anew at each
 * white space.
 */
export function pythonStrip(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && WHITE_SPACE.has(text.charAt(start))) start++;
  while (end > start && WHITE_SPACE.has(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}
