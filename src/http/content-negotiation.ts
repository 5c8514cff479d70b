import type { HonoRequest } from 'hono';
import { err, ok, type Result } from '../lib/result.ts';

/** The media ranges that JSON satisfies. DRF looks at neither `q` nor any other parameter here. */
const JSON_RANGES = ['*/*', 'application/json', 'application/*', '*/json'];

/**
 * Whether the client takes JSON: `not-acceptable` if `Accept` has no range for it, `not-found` for a
 * `?format=` other than `json` (rest_framework/negotiation.py, `DefaultContentNegotiation`).
 */
export function negotiate(
  request: HonoRequest,
): Result<undefined, { kind: 'not-found' } | { kind: 'not-acceptable' }> {
  const accept = request.header('Accept') ?? '*/*';
  const format = request.url.includes('format=') && request.queries('format')?.at(-1);
  if (format && format !== 'json') return err({ kind: 'not-found' });
  if (accept !== '*/*' && !accept.split(',').some(isSatisfiedByJson)) {
    return err({ kind: 'not-acceptable' });
  }
  return ok(undefined);
}

const isSatisfiedByJson = (range: string): boolean =>
  JSON_RANGES.includes(range.split(';', 1)[0]?.trim().toLowerCase() ?? '');
