import { createMiddleware } from 'hono/factory';
import type { AppEnv } from './context.ts';
import { fail } from './errors.ts';

/** The media ranges that JSON satisfies. DRF looks at neither `q` nor any other parameter here. */
const JSON_RANGES = ['*/*', 'application/json', 'application/*', '*/json'];

/**
 * Answers 406 where `Accept` has no range for JSON, and 404 to a `?format=` other than `json`
 * (rest_framework/negotiation.py, `DefaultContentNegotiation`). To be used before everything that
 * reads, checks or writes: `APIView.initial` negotiates first.
 */
export const contentNegotiation = createMiddleware<AppEnv>(async (c, next) => {
  const accept = c.req.header('Accept') ?? '*/*';
  const format = c.req.url.includes('format=') && c.req.queries('format')?.at(-1);
  if (format && format !== 'json') return fail(c, { kind: 'not-found' });
  if (accept !== '*/*' && !accept.split(',').some(isSatisfiedByJson)) {
    return fail(c, { kind: 'not-acceptable' });
  }
  await next();
});

const isSatisfiedByJson = (range: string): boolean =>
  JSON_RANGES.includes(range.split(';', 1)[0]?.trim().toLowerCase() ?? '');
