import type { Context, ExecutionContext } from 'hono';
import { logFault } from '../lib/log.ts';
import { yieldToEventLoop } from '../lib/yield-to-event-loop.ts';
import type { AppContext } from './context.ts';

/**
 * Runs work after the response. Errors are logged.
 *
 * It yields to the event loop first. Otherwise the work would start before the response is sent, and
 * the response time would reveal the amount of work.
 *
 * A test may send a request without an execution context. Then nothing waits for the work.
 */
export function runAfterResponse(c: AppContext, work: () => Promise<void>): void {
  const done = yieldToEventLoop().then(work).catch(logFault);
  executionContextOf(c)?.waitUntil(done);
}

/** Undefined for a request without an execution context. */
export function executionContextOf(c: Context): ExecutionContext | undefined {
  try {
    return c.executionCtx;
  } catch {
    return undefined;
  }
}
