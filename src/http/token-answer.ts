import type { Context } from 'hono';

/**
 * An answer that carries a token is nobody's to keep (RFC 6749 §5.1 asks the same of its tokens).
 */
export const tokenAnswer = <const T extends object>(c: Context, body: T, status: 200 | 201) =>
  c.json(body, status, { 'Cache-Control': 'no-store' });
