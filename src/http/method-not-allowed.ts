import type { Context } from 'hono';
import { err, ok, type Result } from '../lib/result.ts';
import { negotiate } from './content-negotiation.ts';
import type { AppContext } from './context.ts';
import { errorResponse, type Failure } from './errors.ts';
import { isEnabled, type Route } from './route.ts';

const PARSES = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'];

/**
 * Responds to a path or method that no route has: 404, 405 with `Allow`, or DRF's description for
 * OPTIONS (rest_framework/views.py `http_method_not_allowed`, `options`; metadata.py).
 *
 * @param routes all routes. Their paths have no parameters
 */
export function methodNotAllowed(routes: Route[]) {
  async function respond(c: AppContext): Promise<Response> {
    const { path, method } = c.req;
    const here = routes.filter((route) => route.path === path && isEnabled(route.access, c.var));
    const checked = await check(c, here);
    if (!checked.ok) return errorResponse(c, checked.error);

    const allowed = [...here.map((route) => route.method), 'OPTIONS'];
    if (method !== 'OPTIONS') return errorResponse(c, { kind: 'method-not-allowed', allowed });
    const description = { name: viewName(path), description: '', renders: ['application/json'] };
    return c.json({ ...description, parses: PARSES }, 200, { Allow: allowed.join(', ') });
  }
  // The published type of the app does not say what its context has.
  return (c: Context): Promise<Response> => respond(c);
}

/**
 * DRF negotiates and authenticates before it looks for the method (`APIView.initial`), so that only
 * a user learns which methods there are.
 */
async function check(c: AppContext, here: Route[]): Promise<Result<unknown, Failure>> {
  if (here.length === 0) return err({ kind: 'not-found' });
  const negotiated = here.some(({ kind }) => kind === 'view') ? negotiate(c.req) : ok(undefined);
  if (!negotiated.ok) return negotiated;
  const guarded = here.find(({ access }) => access.requiresUser);
  return guarded ? guarded.access.identify(c) : ok(undefined);
}

/** `/api-token-auth` → `Api Token Auth`. */
const viewName = (path: string): string =>
  path.replace(/[/-](\w)/g, (_, first: string) => ` ${first.toUpperCase()}`).trim();
