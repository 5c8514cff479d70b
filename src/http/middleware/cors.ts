import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../context.ts';

/** How long a browser may remember a preflight's answer (django-cors-headers' default). */
const PREFLIGHT_MAX_AGE_SECONDS = 86_400;

const allowListedOrigins = cors({
  origin: (origin, c) => (c.var.settings.corsAllowedOrigins.includes(origin) ? origin : null),
  allowMethods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
  // django-cors-headers' default: what React clients of a Django API send without thinking of it.
  allowHeaders: ['Accept', 'Authorization', 'Content-Type', 'X-CSRFToken', 'X-Requested-With'],
  exposeHeaders: ['Retry-After', 'WWW-Authenticate'],
  maxAge: PREFLIGHT_MAX_AGE_SECONDS,
});

/**
 * CORS for the origins of `CORS_ALLOWED_ORIGINS`, on every answer. Without credentials: the token
 * travels in a header, never in a cookie.
 */
export const crossOrigin = createMiddleware<AppEnv>(async function crossOrigin(c, next) {
  // No browser asks. hono/cors would build several Responses all the same.
  if (c.req.header('Origin') === undefined) {
    await next();
    c.res.headers.append('Vary', 'Origin');
    return;
  }
  // An OPTIONS is a preflight only if it asks for a method (Fetch §3.3.2). hono/cors takes them
  // all.
  const isPreflight = c.req.header('Access-Control-Request-Method') !== undefined;
  if (c.req.method === 'OPTIONS' && !isPreflight) return next();
  return allowListedOrigins(c, next);
});
