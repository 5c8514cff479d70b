import { toServedPath } from '../../families.ts';
import { basePathOf } from '../../mount.ts';
import { NO_STORE } from '../../no-store.ts';
import { anyone, byVerification, isEnabled, page, type Route, toTemplate } from '../../route.ts';
import { pagePaths } from '../shared/paths.ts';
import { TryItPage } from './page.tsx';

/**
 * The page to try the API. With `BROWSABLE_API = "false"` it is a list of the routes instead:
 * `{path: [methods]}`.
 *
 * @param routes the routes to list
 */
export const index = (routes: () => Route[]): Route =>
  page('GET /', {
    access: anyone(undefined),
    description: {
      operationId: 'root',
      summary: 'A page to try the API, or a list of the routes',
      description: 'With BROWSABLE_API = "false", the response is the list.',
      tag: 'About this service',
      responses: {
        200: {
          description: 'The page, or the methods of each path.',
          mediaTypes: ['text/html', 'application/json'],
        },
      },
    },
    handle(c) {
      const base = basePathOf(c);
      const { settings, secureHeadersNonce: nonce } = c.var;
      if (!settings.browsableApi) {
        const enabled = routes().filter(({ access }) => isEnabled(access, c.var));
        const served = enabled.map((route) => ({
          ...route,
          path: toTemplate(toServedPath(route.path, settings)),
        }));
        return c.json(methodsByPath(served, base));
      }
      const html = (
        <TryItPage
          base={base}
          nonce={nonce}
          keyword={settings.authHeaderKeyword}
          tokenModel={settings.tokenModel}
          pages={pagePaths(c)}
          verifiesAddresses={isEnabled(byVerification, c.var)}
        />
      );
      // A nonce is used once (CSP Level 3 §7.1), so the response must not be cached.
      return c.html(`<!doctype html>${html}`, 200, NO_STORE);
    },
  });

function methodsByPath(routes: Route[], base: string): Record<string, string[]> {
  const methods: Record<string, string[]> = {};
  for (const { path, method } of routes) {
    const full = path === '/' && base ? base : base + path;
    methods[full] = [...(methods[full] ?? []), method];
  }
  return methods;
}
