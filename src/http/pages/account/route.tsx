import type { AppContext } from '../../context.ts';
import { basePathOf } from '../../mount.ts';
import { AccountPage } from './page.tsx';

/** `GET /account` → the page that the links in e-mails lead to by default. */
export function account(c: AppContext) {
  const page = (
    <AccountPage
      base={basePathOf(c)}
      nonce={c.var.secureHeadersNonce}
      verifiesAddresses={c.var.settings.emailVerification === 'required'}
    />
  );
  // A nonce is used once (CSP Level 3 §7.1), so an answer with one is not to be kept.
  return c.html(`<!doctype html>${page}`, 200, { 'Cache-Control': 'no-store' });
}
