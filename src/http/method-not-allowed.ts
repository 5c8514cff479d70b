import type { Context } from 'hono';
import { err, ok, type Result } from '../lib/result.ts';
import { negotiate } from './content-negotiation.ts';
import type { AppContext } from './context.ts';
import { errorResponse, type Failure } from './errors.ts';
import {
  authenticated,
  isEnabled,
  optionallyAuthenticated,
  type Route,
  toTemplate,
} from './route.ts';

const PARSES = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'];

/**
 * Handles a path or method without a route: 404, 405 with `Allow`, or DRF's description for OPTIONS
 * (rest_framework/views.py `http_method_not_allowed`, `options`; metadata.py).
 *
 * @param routes all routes. A parameter in a path stands for any value: DRF looks at the value after the
 *   authentication
 */
export function methodNotAllowed(routes: Route[]) {
  async function respond(c: AppContext): Promise<Response> {
    const { path, method } = c.req;
    const atPath = routes.filter((route) => route.path === path);
    const candidates = atPath.length > 0 ? atPath : routes.filter(hasParameterAt(path));
    const matching = candidates.filter(({ access }) => isEnabled(access, c.var));
    const checked = await check(c, matching);
    if (!checked.ok) return errorResponse(c, checked.error);

    const allowed = allowedMethods(matching);
    // The router has refused the value of a parameter.
    if (method !== 'OPTIONS' && allowed.includes(method)) {
      return errorResponse(c, { kind: 'not-found' });
    }
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
  const requiresUser = matching.some(
    ({ access }) => access.requiresUser || access.otherMethodsRequireUser,
  );
  if (requiresUser) return authenticated.identify(c);
  const acceptsUser = matching.some(({ access }) => access.acceptsUser);
  return acceptsUser ? optionallyAuthenticated.identify(c) : ok(undefined);
}

const hasParameterAt =
  (path: string) =>
  (route: Route): boolean => {
    const pattern = toTemplate(route.path).replaceAll(/\{\w+\}/g, '[^/]+');
    return new RegExp(`^${pattern}$`).test(path);
  };

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
