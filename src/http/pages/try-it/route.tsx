import type { RouterRoute } from 'hono/types';
import type { Services } from '../../../services/services.ts';
import { isThere } from '../../by-mail.ts';
import type { AppContext } from '../../context.ts';
import { basePathOf } from '../../mount.ts';
import { Page } from './page.tsx';

/**
 * `GET /` → the page; with `BROWSABLE_API = "false"`, 200 `{path: [methods]}` of all routes.
 *
 * @param app whose routes are listed
 */
export function root(app: { routes: RouterRoute[] }) {
  return function root(c: AppContext) {
    const base = basePathOf(c);
    const { settings, mail, secureHeadersNonce: nonce } = c.var;
    if (!settings.browsableApi) return c.json(methodsByPath(routesOf(app, c.var), base));
    const page = (
      <Page
        base={base}
        nonce={nonce}
        resetsPasswords={mail !== undefined}
        verifiesAddresses={settings.emailVerification === 'required'}
      />
    );
    // A nonce is used once (CSP Level 3 §7.1), so an answer with one is not to be kept.
    return c.html(`<!doctype html>${page}`, 200, { 'Cache-Control': 'no-store' });
  };
}

/** Those that there are with these bindings and settings. */
function routesOf({ routes }: { routes: RouterRoute[] }, services: Services): RouterRoute[] {
  const absent = routes
    .filter(({ handler }) => !isThere(handler, services))
    .map(({ path }) => path);
  return routes.filter(({ path }) => !absent.includes(path));
}

function methodsByPath(routes: RouterRoute[], base: string): Record<string, string[]> {
  const index: Record<string, string[]> = {};
  for (const { path, method } of routes) {
    const full = path === '/' && base ? base : base + path;
    if (method === 'ALL' || index[full]?.includes(method)) continue;
    index[full] = [...(index[full] ?? []), method];
  }
  return index;
}
