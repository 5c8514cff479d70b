/**
 * What makes the app mountable: below any path of another Hono app it answers as at `/`.
 *
 * Hono's `route()` copies the routes of an app into its parent, one by one. What answers where no
 * route does, how paths with a final slash are read and the names in `c.var` would then be the
 * parent's. So the whole app is one more route, in front of its others: the parent copies it and
 * never gets past it. The app itself does not route through it.
 */
import type { Context, Env, ExecutionContext, Hono } from 'hono';
import { routePath } from 'hono/route';
import type { Schema } from 'hono/types';
import { getPathNoStrict } from 'hono/utils/url';

/** Requests that came through a parent, and the path it has the app at, without a final slash. */
const basePaths = new WeakMap<Request, string>();

/**
 * The path that the app is mounted at, without a final slash: '' for a Worker of its own. It is what
 * the request's path has before the app's own. (A middleware may have replaced `c.req.raw`.)
 */
export function basePathOf(c: Context): string {
  const [whole, own] = [getPathNoStrict(c.req.raw), c.req.path];
  return whole.endsWith(own) ? whole.slice(0, -own.length) : whole;
}

/** To be called when the app has its routes and its handlers of errors. */
export function makeMountable<E extends Env, S extends Schema>(app: Hono<E, S>): void {
  // Another view of the same app, with the same router: its paths begin where it is mounted.
  const mounted = Object.assign(app.basePath('/'), {
    getPath: (request: Request) =>
      getPathNoStrict(request).slice(basePaths.get(request)?.length) || '/',
  });

  async function wholeApp(c: Context): Promise<Response> {
    const { raw } = c.req;
    // A parent's middleware may have read the body. Hono remembers it.
    const request = raw.bodyUsed ? new Request(raw, { body: await c.req.arrayBuffer() }) : raw;
    // The route's path has one segment more: the *.
    const depth = routePath(c).split('/').length - 1;
    basePaths.set(request, c.req.path.split('/').slice(0, depth).join('/'));
    const response = await mounted.fetch(request, c.env, executionContextOf(c));
    // With the headers that the parent has set.
    return c.newResponse(response.body, response);
  }
  app.routes.unshift({ method: 'ALL', path: '/*', basePath: '/', handler: wholeApp });
}

/** Undefined in tests that ask an app without one. */
function executionContextOf(c: Context): ExecutionContext | undefined {
  try {
    return c.executionCtx;
  } catch {
    return undefined;
  }
}
