/** The Worker's log: one JSON object on each line, with an `event`. Never log a secret. */
import { rootCause } from './root-cause.ts';
import { ServiceUnavailable } from './service-unavailable.ts';

type Line = { event: string; [field: string]: unknown };

export function log(level: 'log' | 'warn' | 'error', line: Line): void {
  console[level](JSON.stringify(line));
}

/**
 * Logs the root cause of an error: the message of Drizzle's own errors lists the query's parameters,
 * which are tokens and hashes. `reason` is our explanation of an unavailable service.
 */
export function logFault(error: unknown): void {
  const cause = rootCause(error);
  const isUnavailable = error instanceof ServiceUnavailable;
  const event = isUnavailable ? `${error.service}-unavailable` : 'fault';
  const reason = isUnavailable && error !== cause ? error.message : undefined;
  const { name, message, stack } =
    cause instanceof Error ? cause : new Error('Something that is no Error was thrown.');
  log('error', { event, reason, name, message, stack });
}
