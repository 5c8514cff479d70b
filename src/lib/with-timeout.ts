/**
 * Rejects if the work takes too long. The work is not cancelled.
 *
 * @throws the error of the work, or a DOMException named `TimeoutError`, like `AbortSignal.timeout`
 */
export async function withTimeout<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timeout = () => reject(new DOMException('The operation timed out', 'TimeoutError'));
  const timer = setTimeout(timeout, limitMs);
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
