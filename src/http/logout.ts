import { audit } from './audit.ts';
import type { AuthenticatedContext } from './context.ts';

/** `POST /logout` → 204. The token is gone; the next login gives a new one. */
export async function logout(c: AuthenticatedContext) {
  await c.var.store.deleteToken(c.var.auth.key);
  audit(c, { event: 'logged-out', user_id: c.var.user.id });
  return c.body(null, 204);
}
