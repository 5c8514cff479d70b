import type { Context, Env, Hono } from 'hono';
import { fail } from './failure.ts';

const PARSES = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'];

/**
 * The answer where no route is: 404; or, where the path has routes for other methods, 405 and what
 * DRF says to OPTIONS (rest_framework/views.py `http_method_not_allowed`, `options`; metadata.py).
 *
 * @param app whose routes are looked through; they have no parameters in their paths
 */
export function noRoute<E extends Env>(app: Hono<E>) {
  return function noRoute(c: Context): Response {
    const { path } = c.req;
    const methods = app.routes.filter((route) => route.path === path && route.method !== 'ALL');
    if (methods.length === 0) return fail(c, { kind: 'not-found' });

    const allowed = [...new Set(methods.map(({ method }) => method)), 'OPTIONS'];
    if (c.req.method !== 'OPTIONS') return fail(c, { kind: 'method-not-allowed', allowed });
    const description = { name: viewName(path), description: '', renders: ['application/json'] };
    return c.json({ ...description, parses: PARSES }, 200, { Allow: allowed.join(', ') });
  };
}

/** `/api-token-auth` → `Api Token Auth`. */
const viewName = (path: string): string =>
  path.replace(/[/-](\w)/g, (_, first: string) => ` ${first.toUpperCase()}`).trim();
