import { ServiceUnavailable } from './service-unavailable.ts';

/** Logs what was thrown, by its cause. */
export function logFault(error: unknown): void {
  const event = error instanceof ServiceUnavailable ? `${error.service}-unavailable` : 'fault';
  const { name, message, stack } = rootCause(error);
  console.error(JSON.stringify({ event, name, message, stack }));
}

/**
 * The error at the bottom. Drizzle's own wraps D1's in a message that lists the query's parameters:
 * tokens and hashes. Only what D1 said of them may be logged.
 */
function rootCause(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('Something that is no Error was thrown.');
  return error.cause === undefined ? error : rootCause(error.cause);
}
