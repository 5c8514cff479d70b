import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../context.ts';

/** How long a browser may cache a preflight response (django-cors-headers' default). */
const PREFLIGHT_MAX_AGE_SECONDS = 86_400;

const allowListedOrigins = cors({
  origin: (origin, c) => (c.var.settings.corsAllowedOrigins.includes(origin) ? origin : null),
  allowMethods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
  // A part of django-cors-headers' default: the headers that clients of a Django API usually send.
  allowHeaders: ['Accept', 'Authorization', 'Content-Type', 'X-CSRFToken', 'X-Requested-With'],
  exposeHeaders: ['Retry-After', 'WWW-Authenticate'],
  maxAge: PREFLIGHT_MAX_AGE_SECONDS,
});

/**
 * CORS for the origins of `CORS_ALLOWED_ORIGINS`, on every response. It does not allow credentials,
 * because the token is in a header and never in a cookie.
 */
export const crossOrigin = createMiddleware<AppEnv>(async function crossOrigin(c, next) {
  // This is not a cross-origin request. Skip hono/cors, which would create several Responses.
  if (c.req.header('Origin') === undefined) {
    await next();
    c.res.headers.append('Vary', 'Origin');
    return;
  }
  // An OPTIONS request is a preflight only if it has this header (Fetch §3.3.2). hono/cors handles
  // every OPTIONS as a preflight.
  const isPreflight = c.req.header('Access-Control-Request-Method') !== undefined;
  if (c.req.method === 'OPTIONS' && !isPreflight) return next();
  return allowListedOrigins(c, next);
});
