import { basePathOf } from '../../mount.ts';
import { NO_STORE } from '../../no-store.ts';
import { detail } from '../../openapi/description.ts';
import { byEmail, byVerification, isEnabled, page } from '../../route.ts';
import { pagePaths } from '../shared/paths.ts';
import { AccountPage } from './page.tsx';

/** The default target of the links in e-mails. */
export const account = page('GET /account', {
  access: byEmail,
  description: {
    operationId: 'account',
    summary: 'The page for the links in e-mails',
    description: 'Its forms send the requests of the group “By e-mail”.',
    tag: 'About this service',
    responses: {
      200: { description: 'The page.', mediaTypes: ['text/html'] },
      503: detail(
        'SECRET_KEY is not set, so links cannot be signed.',
        { unsigned: 'Service temporarily unavailable, try again later.' },
        ['Retry-After'],
      ),
    },
  },
  handle(c) {
    const html = (
      <AccountPage
        base={basePathOf(c)}
        nonce={c.var.secureHeadersNonce}
        pages={pagePaths(c)}
        verifiesAddresses={isEnabled(byVerification, c.var)}
        resetsUsernames={c.var.settings.djoser}
      />
    );
    // A nonce is used once (CSP Level 3 §7.1), so the response must not be cached.
    return c.html(`<!doctype html>${html}`, 200, NO_STORE);
  },
});
