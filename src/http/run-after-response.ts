import { logFault } from '../lib/log.ts';
import { giveThreadBack } from '../lib/yield-to-event-loop.ts';
import type { AppContext } from './context.ts';

/**
 * Does what nobody waits for, once the answer is out. What is thrown there is logged.
 *
 * Without giving the thread back the work would begin before the answer has left, and the time of
 * an answer would tell how much work there is.
 */
export function afterAnswer(c: AppContext, work: () => Promise<void>): void {
  c.executionCtx.waitUntil(giveThreadBack().then(work).catch(logFault));
}
