import type { Context } from 'hono';

/** An OPTIONS request is a preflight only if it has these headers (Fetch §3.3.2, CORS-preflight). */
export const isPreflight = (c: Context): boolean =>
  c.req.method === 'OPTIONS' &&
  c.req.header('Origin') !== undefined &&
  c.req.header('Access-Control-Request-Method') !== undefined;
