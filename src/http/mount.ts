/**
 * Makes the app mountable: below any path of another Hono app it responds as at `/`.
 *
 * Hono's `route()` copies the routes of an app into its parent, one by one. The copied routes would
 * use the parent's 404 handler, its rule for trailing slashes and its `c.var`. So `makeMountable`
 * replaces the list that the parent copies by one catch-all route, which passes the request to the
 * app. The router of the app itself keeps its routes and does not have the catch-all.
 *
 * Below a path, the app responds to every request. At `/`, it leaves a path that it does not have to
 * the routes that the parent has added after it, if there are any.
 */
import type { Context, Env, Hono, HonoRequest, Next } from 'hono';
import { matchedRoutes, routePath } from 'hono/route';
import type { Schema } from 'hono/types';
import { getPathNoStrict } from 'hono/utils/url';
import type { AppContext } from './context.ts';
import { toServedPath } from './families.ts';
import { executionContextOf } from './run-after-response.ts';

/** For requests through a parent: the path that the app is mounted at, without a trailing slash. */
const basePaths = new WeakMap<Request, string>();

/**
 * The path that the app is mounted at, without a trailing slash; '' if it is not mounted.
 *
 * It is computed from the two paths and not read from `basePaths`, because a middleware may have
 * replaced `c.req.raw`.
 */
export function basePathOf(c: AppContext): string {
  const fullPath = getPathNoStrict(c.req.raw);
  const served = toServedPath(c.req.path, c.var.settings);
  const ownPath = fullPath.endsWith(served) ? served : c.req.path;
  return fullPath.endsWith(ownPath) ? fullPath.slice(0, -ownPath.length) : fullPath;
}

/**
 * Call it after the routes and the error handlers are added.
 *
 * @param toListed changes the path below the base path to the one of the router
 */
export function makeMountable<E extends Env, S extends Schema>(
  app: Hono<E, S>,
  toListed: (path: string, env: E['Bindings']) => string,
): void {
  // `basePath` returns a copy of the app with the same router. Its `getPath` removes the base path.
  const mounted = Object.assign(app.basePath('/'), {
    getPath: (request: Request, { env }: { env: E['Bindings'] }) =>
      toListed(getPathNoStrict(request).slice(basePaths.get(request)?.length) || '/', env),
  });

  async function wholeApp(c: Context, next: Next): Promise<Response | undefined> {
    // The path of this route has one more segment: `*`.
    const depth = routePath(c).split('/').length - 1;
    const hasOtherRoutes = matchedRoutes(c).length > c.req.routeIndex + 1;
    if (depth === 1 && hasOtherRoutes && !hasPath(app, mounted.getPath(c.req.raw, c))) {
      await next();
      return undefined;
    }
    const request = await readableAgain(c.req);
    basePaths.set(request, c.req.path.split('/').slice(0, depth).join('/'));
    const response = await mounted.fetch(request, c.env, executionContextOf(c));
    // `newResponse` adds the headers that the parent has set.
    return c.newResponse(response.body, response);
  }
  app.routes = [{ method: 'ALL', path: '/*', basePath: '/', handler: wholeApp }];
}

/** Whether the app has a route or middleware for this path, besides the middleware for all paths. */
function hasPath<E extends Env, S extends Schema>({ router }: Hono<E, S>, path: string): boolean {
  return METHODS.some((method) => {
    const [handlers] = router.match(method, path);
    return handlers.some(([[, route]]) => route.path !== '/*');
  });
}

/** The methods of routes. A route for all methods matches each of them, and HEAD is GET. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * A middleware of the parent may have read the body by a method of `c.req`, which has cached it.
 *
 * @returns a request with the same body. If the parent has read the body from `c.req.raw`, the body is
 *   lost: then a route that needs it throws `BodyAlreadyRead`
 */
async function readableAgain(req: HonoRequest): Promise<Request> {
  const { raw, bodyCache } = req;
  if (!raw.bodyUsed) return raw;
  try {
    // Hono builds a body from what was cached first.
    const [firstCached] = Object.keys(bodyCache);
    if (firstCached !== 'formData') return new Request(raw, { body: await req.arrayBuffer() });
    // The fields of a form are encoded again, as `multipart/form-data`.
    const encoded = new Response(await req.formData());
    const headers = new Headers(raw.headers);
    headers.set('Content-Type', encoded.headers.get('Content-Type') ?? '');
    headers.delete('Content-Length');
    return new Request(raw, { headers, body: await encoded.arrayBuffer() });
  } catch {
    return raw;
  }
}
