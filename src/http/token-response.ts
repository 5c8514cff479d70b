import type { Context, TypedResponse } from 'hono';
import type { JSONParsed } from 'hono/utils/types';

/** A response with a token. It must not be cached (as in RFC 6749 §5.1). */
export const tokenResponse = <const T extends object, Status extends 200 | 201>(
  c: Context,
  body: T,
  status: Status,
): Response & TypedResponse<JSONParsed<T>, Status, 'json'> =>
  c.json(body, status, { 'Cache-Control': 'no-store' });
