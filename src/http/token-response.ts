import type { Context, TypedResponse } from 'hono';
import type { JSONParsed } from 'hono/utils/types';

/**
 * An answer that carries a token is nobody's to keep (RFC 6749 §5.1 asks the same of its tokens).
 */
export const tokenAnswer = <const T extends object, Status extends 200 | 201>(
  c: Context,
  body: T,
  status: Status,
): Response & TypedResponse<JSONParsed<T>, Status, 'json'> =>
  c.json(body, status, { 'Cache-Control': 'no-store' });
