import { createMiddleware } from 'hono/factory';
import * as v from 'valibot';
import type { AppEnv } from '../context.ts';

/** DRF's error: sentences by field, and `detail`. */
const ErrorBody = v.record(v.string(), v.unknown());

/**
 * Adds `message` to errors, if `ERROR_MESSAGE` is on: the first sentence of `detail` or of a field. Some
 * clients show it.
 */
export const errorMessage = createMiddleware<AppEnv>(async function errorMessage(c, next) {
  await next();
  if (c.res.status < 400 || !c.var.settings.errorMessage) return;
  if (!c.res.headers.get('Content-Type')?.startsWith('application/json')) return;
  const error = v.parse(ErrorBody, await c.res.json());
  const message = Object.values(error)
    .flat()
    .find((sentence) => typeof sentence === 'string');
  c.res = new Response(JSON.stringify({ ...error, message }), c.res);
});
