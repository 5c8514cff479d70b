import { wait } from './wait.ts';

/**
 * Yields to the event loop, so that other requests can run. This needs a timer: the runtime resumes
 * settled promises and messages to the same isolate before it handles new requests. A timer takes
 * about 1 ms.
 */
export const yieldToEventLoop = (): Promise<void> => wait(0);
