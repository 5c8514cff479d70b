import type { Authenticated } from '../../auth/tokens.ts';
import type { AppContext } from '../context.ts';
import { audit } from '../security-log.ts';

/** `POST /logout` → 204. The token is gone; the next login gives a new one. */
export async function logout(c: AppContext, { user, token }: Authenticated) {
  await c.var.store.deleteToken(token.key);
  audit(c, { event: 'logged-out', user_id: user.id });
  return c.body(null, 204);
}
