import { logFault } from '../lib/log.ts';
import { yieldToEventLoop } from '../lib/yield-to-event-loop.ts';
import type { AppContext } from './context.ts';

/**
 * Runs work after the response. Errors are logged.
 *
 * It yields to the event loop first. Otherwise the work would start before the response is sent, and
 * the response time would reveal the amount of work.
 */
export function runAfterResponse(c: AppContext, work: () => Promise<void>): void {
  c.executionCtx.waitUntil(yieldToEventLoop().then(work).catch(logFault));
}
