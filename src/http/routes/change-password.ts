import { changeOwnPassword } from '../../auth/own-account.ts';
import type { Authenticated } from '../../auth/tokens.ts';
import { PasswordSerializer } from '../../validation/schemas.ts';
import type { AppContext, Body } from '../context.ts';
import { fail } from '../errors.ts';
import { notify } from '../notifications.ts';
import { limitCurrentPassword } from '../rate-limit.ts';
import { readBody } from '../read-body.ts';
import { audit, auditRefusal } from '../security-log.ts';
import { tokenAnswer } from '../token-response.ts';

/** `POST /password` → 200 `{"token"}`, a new one: the old one is dead. */
export async function password(
  c: AppContext<Body<typeof PasswordSerializer>>,
  authenticated: Authenticated,
) {
  const { user } = authenticated;
  const change = await readBody(c, user, PasswordSerializer);
  if (!change.ok) return fail(c, change.error);
  const allowed = await limitCurrentPassword(c, user);
  if (!allowed.ok) return fail(c, allowed.error);
  const token = await changeOwnPassword(c.var, authenticated, change.value);
  if (!token.ok) {
    auditRefusal(c, token.error, 'password-change-refused', user.id);
    return fail(c, token.error);
  }
  audit(c, { event: 'password-changed', user_id: user.id });
  notify(c, 'passwordChanged', user);
  return tokenAnswer(c, { token: token.value }, 200);
}
