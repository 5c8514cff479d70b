import { vi } from 'vitest';

/**
 * WebCrypto as in production Workers: it refuses PBKDF2 above a number of iterations. Local
 * workerd has no such limit.
 *
 * @returns the spy on `crypto.subtle.deriveBits`
 */
export function refuseAbove(maxIterations: number) {
  const deriveBits = crypto.subtle.deriveBits.bind(crypto.subtle);
  return vi.spyOn(crypto.subtle, 'deriveBits').mockImplementation(async (algorithm, ...rest) => {
    if (typeof algorithm === 'object' && (algorithm.iterations ?? 0) > maxIterations) {
      const message = `Pbkdf2 failed: iteration counts above ${maxIterations} are not supported`;
      throw new DOMException(message, 'NotSupportedError');
    }
    return deriveBits(algorithm, ...rest);
  });
}
