import type { Context } from 'hono';
import { err, ok, type Result } from '../lib/result.ts';
import { negotiate } from './content-negotiation.ts';
import type { AppContext } from './context.ts';
import { errorResponse, type Failure } from './errors.ts';
import { isEnabled, type Route } from './route.ts';

const PARSES = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'];

/**
 * Handles a path or method without a route: 404, 405 with `Allow`, or DRF's description for OPTIONS
 * (rest_framework/views.py `http_method_not_allowed`, `options`; metadata.py).
 *
 * @param routes all routes. Paths are compared as strings, so they must have no parameters
 */
export function methodNotAllowed(routes: Route[]) {
  async function respond(c: AppContext): Promise<Response> {
    const { path, method } = c.req;
    const matching = routes.filter(
      (route) => route.path === path && isEnabled(route.access, c.var),
    );
    const checked = await check(c, matching);
    if (!checked.ok) return errorResponse(c, checked.error);

    const allowed = allowedMethods(matching);
    if (method !== 'OPTIONS') return errorResponse(c, { kind: 'method-not-allowed', allowed });
    const description = { name: viewName(path), description: '', renders: ['application/json'] };
    return c.json({ ...description, parses: PARSES }, 200, { Allow: allowed.join(', ') });
  }
  // The published type of the app has no `AppEnv`.
  return (c: Context): Promise<Response> => respond(c);
}

/**
 * DRF negotiates content and authenticates before it looks for the method (`APIView.initial`). So
 * only a user can list the methods of a route that needs one.
 */
async function check(c: AppContext, matching: Route[]): Promise<Result<unknown, Failure>> {
  if (matching.length === 0) return err({ kind: 'not-found' });
  const isView = matching.some(({ kind }) => kind === 'view');
  const negotiated = isView ? negotiate(c.req) : ok(undefined);
  if (!negotiated.ok) return negotiated;
  const protectedRoute = matching.find(({ access }) => access.requiresUser);
  return protectedRoute ? protectedRoute.access.identify(c) : ok(undefined);
}

/** In the order of `View.http_method_names`. A view with GET has HEAD (django/views/generic/base.py). */
const HTTP_METHOD_NAMES = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

function allowedMethods(routes: Route[]): string[] {
  const own = routes.map(({ method }) => method);
  const methods = new Set([...own, ...(own.includes('GET') ? ['HEAD'] : []), 'OPTIONS']);
  return HTTP_METHOD_NAMES.filter((name) => methods.has(name));
}

/** `/api-token-auth` → `Api Token Auth`. */
const viewName = (path: string): string =>
  path.replace(/[/-](\w)/g, (_, first: string) => ` ${first.toUpperCase()}`).trim();
