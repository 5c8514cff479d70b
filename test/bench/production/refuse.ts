/** WebCrypto as production Workers have it: they refuse more than 100,000 iterations of PBKDF2. */
const MAX_ITERATIONS = 100_000;

/**
 * Makes this runtime refuse what production refuses. It is a function, because a bundler drops an
 * import that is only there for its effect: package.json says `"sideEffects": false`.
 */
export function refuseManyIterations(): void {
  const deriveBits = crypto.subtle.deriveBits.bind(crypto.subtle);
  crypto.subtle.deriveBits = async (algorithm, ...rest) => {
    if (typeof algorithm === 'object' && (algorithm.iterations ?? 0) > MAX_ITERATIONS) {
      const message = `Pbkdf2 failed: iteration counts above ${MAX_ITERATIONS} are not supported`;
      throw new DOMException(message, 'NotSupportedError');
    }
    return deriveBits(algorithm, ...rest);
  };
}
