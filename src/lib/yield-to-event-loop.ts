/**
 * Yields to the event loop, so that other requests can run. Only a timer does that: a settled
 * promise, or a message to oneself, goes on before the runtime looks for new requests. It takes about
 * 1 ms.
 */
export const yieldToEventLoop = (): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, 0));
