import { logFault } from '../log.ts';
import type { AppContext } from './context.ts';

/** Does what nobody waits for, once the answer is out. What is thrown there is logged. */
export function afterAnswer(c: AppContext, work: () => Promise<void>): void {
  c.executionCtx.waitUntil(work().catch(logFault));
}
