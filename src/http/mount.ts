/**
 * Makes the app mountable: below any path of another Hono app it responds as at `/`.
 *
 * Hono's `route()` copies the routes of an app into its parent, one by one. The copied routes would
 * use the parent's 404 handler, its rule for trailing slashes and its `c.var`. So `makeMountable`
 * puts one catch-all route before the others, which passes the request to the app. The parent copies
 * it too, and it always responds. The router of the app itself does not have it.
 */
import type { Context, Env, ExecutionContext, Hono, HonoRequest } from 'hono';
import { routePath } from 'hono/route';
import type { Schema } from 'hono/types';
import { getPathNoStrict } from 'hono/utils/url';
import type { AppContext } from './context.ts';
import { toServedPath } from './families.ts';

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

  async function wholeApp(c: Context): Promise<Response> {
    const request = await readableAgain(c.req);
    // The path of this route has one more segment: `*`.
    const depth = routePath(c).split('/').length - 1;
    basePaths.set(request, c.req.path.split('/').slice(0, depth).join('/'));
    const response = await mounted.fetch(request, c.env, executionContextOf(c));
    // `newResponse` adds the headers that the parent has set.
    return c.newResponse(response.body, response);
  }
  app.routes.unshift({ method: 'ALL', path: '/*', basePath: '/', handler: wholeApp });
}

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

/** Undefined in tests that send a request without an execution context. */
function executionContextOf(c: Context): ExecutionContext | undefined {
  try {
    return c.executionCtx;
  } catch {
    return undefined;
  }
}
