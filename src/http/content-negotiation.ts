import type { HonoRequest } from 'hono';
import { err, ok, type Result } from '../lib/result.ts';

/** The media ranges that JSON satisfies. Like DRF, this ignores `q` and all other parameters. */
const JSON_RANGES = ['*/*', 'application/json', 'application/*', '*/json'];

/**
 * Checks that the client accepts JSON (rest_framework/negotiation.py, `DefaultContentNegotiation`).
 *
 * @returns `not-acceptable` if no range of `Accept` includes JSON, `not-found` if `?format=` is not
 *   `json`
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
