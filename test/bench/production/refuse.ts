/** WebCrypto as production Workers have it: they refuse more than 100,000 iterations of PBKDF2. */
const MAX_ITERATIONS = 100_000;

/** To be called, not only imported: package.json has `sideEffects: false`, so a bare import is dropped. */
export function refuseAsProductionDoes(): void {
  const deriveBits = crypto.subtle.deriveBits.bind(crypto.subtle);

  crypto.subtle.deriveBits = async (algorithm, ...rest) => {
    if (typeof algorithm === 'object' && (algorithm.iterations ?? 0) > MAX_ITERATIONS) {
      const message = `Pbkdf2 failed: iteration counts above ${MAX_ITERATIONS} are not supported`;
      throw new DOMException(message, 'NotSupportedError');
    }
    return deriveBits(algorithm, ...rest);
  };
}
