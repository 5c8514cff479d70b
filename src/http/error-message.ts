import type { Context } from 'hono';
import * as v from 'valibot';

/** DRF's error: sentences by field, and `detail`. */
const ErrorBody = v.record(v.string(), v.unknown());

/**
 * Adds `message` to the response if it is an error: the first sentence of `detail` or of a field. Some
 * clients show it (`ERROR_MESSAGE`).
 */
export async function addErrorMessage(c: Context): Promise<void> {
  if (c.res.status < 400) return;
  if (!c.res.headers.get('Content-Type')?.startsWith('application/json')) return;
  const error = v.parse(ErrorBody, await c.res.json());
  const message = Object.values(error)
    .flat()
    .find((sentence) => typeof sentence === 'string');
  c.res = new Response(JSON.stringify({ ...error, message }), c.res);
}
