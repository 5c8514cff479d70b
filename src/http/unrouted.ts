import type { Context } from 'hono';
import type { RouterRoute } from 'hono/types';
import type { Authenticate } from '../auth/tokens.ts';
import { isGuarded } from './authenticated.ts';
import { fail, failAuthentication } from './errors.ts';

const PARSES = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'];

type Authenticating = { Variables: { authenticate: Authenticate } };

/**
 * The answer to a path or method that no route has: 404, or 405 where the path has other methods,
 * or DRF's description for OPTIONS (rest_framework/views.py `http_method_not_allowed`, `options`;
 * metadata.py).
 *
 * @param app whose routes are looked through. They have no parameters in their paths.
 */
export function unrouted(app: { routes: RouterRoute[] }) {
  return async function unrouted<E extends Authenticating>(c: Context<E>): Promise<Response> {
    const { path } = c.req;
    const routes = app.routes.filter((route) => route.path === path && route.method !== 'ALL');
    if (routes.length === 0) return fail(c, { kind: 'not-found' });

    // DRF authenticates before it looks for the method (`APIView.dispatch` calls `initial` first),
    // so that only a user learns which methods there are.
    if (routes.some(({ handler }) => isGuarded(handler))) {
      const who = await c.get('authenticate')(c.req.header('Authorization'));
      if (!who.ok) return failAuthentication(c, who.error);
    }

    const allowed = [...new Set(routes.map(({ method }) => method)), 'OPTIONS'];
    if (c.req.method !== 'OPTIONS') return fail(c, { kind: 'method-not-allowed', allowed });
    const description = { name: viewName(path), description: '', renders: ['application/json'] };
    return c.json({ ...description, parses: PARSES }, 200, { Allow: allowed.join(', ') });
  };
}

/** `/api-token-auth` → `Api Token Auth`. */
const viewName = (path: string): string =>
  path.replace(/[/-](\w)/g, (_, first: string) => ` ${first.toUpperCase()}`).trim();
