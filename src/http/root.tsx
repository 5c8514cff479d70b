import type { Hono } from 'hono';
import { html } from 'hono/html';
import type { AppContext, AppEnv } from './context.ts';
import { Page } from './lesson/page.tsx';

/**
 * `GET /` → the page; with `BROWSABLE_API = "false"`, 200 `{path: [methods]}` of all routes.
 *
 * @param app whose routes are listed
 */
export function root(app: Hono<AppEnv>) {
  return function root(c: AppContext) {
    if (!c.var.settings.browsableApi) return c.json(methodsByPath(app));
    const page = html`<!doctype html>${<Page nonce={c.var.secureHeadersNonce} />}`;
    // A nonce is used once (CSP Level 3 §7.1), so an answer with one is not to be kept.
    return c.html(page, 200, { 'Cache-Control': 'no-store' });
  };
}

function methodsByPath({ routes }: Hono<AppEnv>): Record<string, string[]> {
  const index: Record<string, string[]> = {};
  for (const { path, method } of routes) {
    if (method === 'ALL' || index[path]?.includes(method)) continue;
    index[path] = [...(index[path] ?? []), method];
  }
  return index;
}
