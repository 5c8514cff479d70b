/**
 * The Worker's log: one JSON object a line, with an `event`. Nothing secret may be handed to it.
 */
import { rootCause } from './root-cause.ts';
import { ServiceUnavailable } from './service-unavailable.ts';

type Line = { event: string; [field: string]: unknown };

export function log(level: 'log' | 'warn' | 'error', line: Line): void {
  console[level](JSON.stringify(line));
}

/**
 * Logs what was thrown, by its root cause: Drizzle's own errors have a message that lists the
 * query's parameters, and those are tokens and hashes. `reason` is our own sentence for it.
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
