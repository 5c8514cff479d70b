import { logFault } from '../log.ts';
import type { AppContext } from './context.ts';
import { RETRY_AFTER } from './failure.ts';

/** `GET /health` → 200 `{"status": "ok"}` if D1 answers, otherwise 503. For monitors. */
export async function health(c: AppContext) {
  const noStore = { 'Cache-Control': 'no-store' };
  try {
    await c.var.store.ping();
    return c.json({ status: 'ok' as const }, 200, noStore);
  } catch (error) {
    logFault(error);
    return c.json({ status: 'unavailable' as const }, 503, { ...noStore, ...RETRY_AFTER });
  }
}
