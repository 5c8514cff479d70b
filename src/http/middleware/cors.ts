import type { Context, MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { Settings } from '../../settings.ts';
import { isPreflight } from './preflight.ts';

/** How long a browser may cache a preflight response (django-cors-headers' default). */
const PREFLIGHT_MAX_AGE_SECONDS = 86_400;

/** django-cors-headers' `default_methods`. A browser allows HEAD without asking. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** The part of a host for which a `*` stands. It ends at a dot, so it is never a domain. */
const PART_OF_LABEL = /^[a-z\d-]+$/;

/**
 * Whether an origin is in `CORS_ALLOWED_ORIGINS`. An entry with a `*` is compared by its two ends and
 * not by a regular expression, which could be too wide or too slow.
 */
export function isAllowedOrigin(allowed: string[], origin: string): boolean {
  if (allowed.includes(origin)) return !origin.includes('*');
  return allowed.some((entry) => {
    const [start = '', end] = entry.split('*');
    if (end === undefined || !origin.startsWith(start) || !origin.endsWith(end)) return false;
    return PART_OF_LABEL.test(origin.slice(start.length, -end.length));
  });
}

/** hono/cors with the settings of an environment, which are the same object for each request. */
const middlewareOf = new WeakMap<Settings, ReturnType<typeof cors>>();

function createCors({ corsAllowedOrigins, corsAllowHeaders, corsAllowCredentials }: Settings) {
  return cors({
    origin: (origin) => (isAllowedOrigin(corsAllowedOrigins, origin) ? origin : null),
    allowMethods: METHODS,
    allowHeaders: corsAllowHeaders,
    credentials: corsAllowCredentials,
    exposeHeaders: ['Retry-After', 'WWW-Authenticate'],
    maxAge: PREFLIGHT_MAX_AGE_SECONDS,
  });
}

/** Requests that have the headers. A host can apply them again: by `tokenAuthentication(auth)`, for one. */
const applied = new WeakSet<Context>();

/**
 * CORS for the origins of `CORS_ALLOWED_ORIGINS`, on every response. By default it does not allow
 * credentials, because the token is in a header and never in a cookie. It responds to a preflight
 * itself. It has no effect on a request that it has already handled.
 */
export function crossOriginOf(settingsOf: (c: Context) => Settings): MiddlewareHandler {
  return async function crossOrigin(c, next) {
    if (applied.has(c)) return next();
    applied.add(c);
    // This is not a cross-origin request. Skip hono/cors, which would create several Responses.
    if (c.req.header('Origin') === undefined) {
      await next();
      c.res.headers.append('Vary', 'Origin');
      return;
    }
    // hono/cors handles every OPTIONS as a preflight.
    if (c.req.method === 'OPTIONS' && !isPreflight(c)) return next();
    const settings = settingsOf(c);
    const middleware = middlewareOf.get(settings) ?? createCors(settings);
    middlewareOf.set(settings, middleware);
    return middleware(c, next);
  };
}
