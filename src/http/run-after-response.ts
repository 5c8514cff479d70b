import type { ExecutionContext } from 'hono';
import { logFault } from '../lib/log.ts';
import { yieldToEventLoop } from '../lib/yield-to-event-loop.ts';

export type WaitsUntil = Pick<ExecutionContext, 'waitUntil'>;

/**
 * Runs work after the response. Errors are logged.
 *
 * It yields to the event loop first. Otherwise the work would start before the response is sent, and
 * the response time would reveal the amount of work.
 *
 * @param c the context of the request. Without an `executionCtx`, the runtime may end the work early
 */
export function runAfterResponse(
  c: { executionCtx?: WaitsUntil },
  work: () => Promise<void>,
): void {
  const done = yieldToEventLoop().then(work).catch(logFault);
  executionContextOf(c)?.waitUntil(done);
}

/** Undefined for a request without an execution context, such as that of a test. */
export function executionContextOf<T>(c: { executionCtx?: T }): T | undefined {
  try {
    return c.executionCtx;
  } catch {
    return undefined;
  }
}
