/**
 * Rejects if the work takes too long. The work itself may still go on.
 *
 * @throws what the work throws, or a DOMException named `TimeoutError`, as `AbortSignal.timeout`
 */
export async function withTimeout<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timeout = () => reject(new DOMException('It took too long', 'TimeoutError'));
  const timer = setTimeout(timeout, limitMs);
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
