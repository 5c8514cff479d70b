import { basePathOf } from '../../mount.ts';
import { NO_STORE } from '../../no-store.ts';
import { anyone, ifOn, page } from '../../route.ts';
import { AdminPage } from './page.tsx';

/** The staff page. It has no data: its script gets them from the routes below /admin/api. */
export const adminPage = page('GET /admin', {
  access: ifOn(anyone(undefined), 'adminPage'),
  description: {
    operationId: 'admin',
    summary: 'The page for staff',
    description: 'A browser that opens a page sends no token, so the page itself has no data.',
    tag: 'Staff',
    responses: { 200: { description: 'The page.', mediaTypes: ['text/html'] } },
  },
  handle(c) {
    const { settings, secureHeadersNonce } = c.var;
    const html = (
      <AdminPage
        base={basePathOf(c)}
        nonce={secureHeadersNonce}
        keyword={settings.authHeaderKeyword}
        minutes={settings.adminSessionMinutes}
      />
    );
    // A nonce is used once (CSP Level 3 §7.1), so the response must not be cached.
    return c.html(`<!doctype html>${html}`, 200, NO_STORE);
  },
});
