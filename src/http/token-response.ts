import type { Context, TypedResponse } from 'hono';
import type { JSONParsed } from 'hono/utils/types';

/** A response with a token must not be cached (RFC 6749 §5.1 requires the same of its tokens). */
export const tokenResponse = <const T extends object, Status extends 200 | 201>(
  c: Context,
  body: T,
  status: Status,
): Response & TypedResponse<JSONParsed<T>, Status, 'json'> =>
  c.json(body, status, { 'Cache-Control': 'no-store' });
