/**
 * Compares two strings in a time that depends on their lengths alone, never on where they differ
 * (django/utils/crypto.py, `constant_time_compare`). Lengths are no secret.
 */
export function constantTimeCompare(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
