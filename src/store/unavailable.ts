/**
 * D1's passing failures: of the network, of a moved or overloaded database. D1 retries reads by
 * itself. It never retries writes, since it cannot know whether they took place.
 */
import { ServiceUnavailable } from '../lib/service-unavailable.ts';

/** D1's words for errors that may be retried (developers.cloudflare.com, D1: Debug, Error list). */
const TRANSIENT = [
  'Network connection lost',
  'storage caused object to be reset',
  'reset because its code was updated',
  'Cannot resolve D1 DB due to transient issue on remote node',
  'Internal error while starting up D1 DB storage',
  'D1 DB is overloaded',
  "Can't read from request stream because client disconnected",
  'storage operation exceeded timeout',
];

/** Runs a read. @throws ServiceUnavailable where D1 failed for a passing reason */
export async function reading<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    throw isTransient(error)
      ? new ServiceUnavailable('database', 'D1 did not answer', { cause: error })
      : error;
  }
}

/**
 * Runs a write, and once more where D1 failed: the first try may have taken place or not. So
 * running it twice must do the same as running it once.
 *
 * @param query told whether it may have run before
 * @throws ServiceUnavailable where D1 failed twice for a passing reason
 */
export async function writing<T>(query: (isRetry: boolean) => Promise<T>): Promise<T> {
  try {
    return await query(false);
  } catch (error) {
    if (!isTransient(error)) throw error;
    return reading(() => query(true));
  }
}

const isTransient = (error: unknown): boolean =>
  error instanceof Error &&
  (TRANSIENT.some((words) => error.message.includes(words)) || isTransient(error.cause));
