/** The Worker's log: one JSON object per line, with an `event`. Never log a secret. */
import { rootCause } from './root-cause.ts';
import { ServiceUnavailable } from './service-unavailable.ts';

type Line = { event: string; [field: string]: unknown };

export function log(level: 'log' | 'warn' | 'error', line: Line): void {
  console[level](JSON.stringify(line));
}

/**
 * Logs the root cause of an error. It does not log Drizzle's own errors, because their messages
 * contain the query's parameters, such as tokens and hashes. `reason` explains why a service is
 * unavailable, or what to do.
 */
export function logFault(error: unknown, hint?: string): void {
  const cause = rootCause(error);
  const isUnavailable = error instanceof ServiceUnavailable;
  const event = isUnavailable ? `${error.service}-unavailable` : 'fault';
  const reason = isUnavailable && error !== cause ? error.message : hint;
  const { name, message, stack } =
    cause instanceof Error ? cause : new Error('A value that is not an Error was thrown.');
  log('error', { event, reason, name, message, stack });
}
