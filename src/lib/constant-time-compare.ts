/**
 * Compares two strings in a time that depends only on their lengths, not on their characters
 * (django/utils/crypto.py, `constant_time_compare`). The lengths are not secret.
 */
export function constantTimeCompare(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
