import { resetPassword, writePasswordResets } from '../../auth/password-reset.ts';
import { type EmailSerializer, PasswordResetConfirmSerializer } from '../../validation/schemas.ts';
import type { ByMail } from '../by-mail.ts';
import type { AppContext, Body } from '../context.ts';
import { fail } from '../errors.ts';
import { answerByMail, notify, refuseLink } from '../notifications.ts';
import { limitLink } from '../rate-limit.ts';
import { readBody } from '../read-body.ts';
import { audit } from '../security-log.ts';

/** `POST /users/reset_password` → 204, whether or not an account has the address. */
export const sendPasswordReset = (c: AppContext<Body<typeof EmailSerializer>>, services: ByMail) =>
  answerByMail(c, 'passwordReset', services, writePasswordResets);

/** `POST /users/reset_password_confirm` → 204. It revokes the token; a login gives a new one. */
export async function confirmPasswordReset(
  c: AppContext<Body<typeof PasswordResetConfirmSerializer>>,
  { links }: ByMail,
) {
  const body = await readBody(c, 'mail-address', PasswordResetConfirmSerializer);
  if (!body.ok) return fail(c, body.error);
  const allowed = await limitLink(c, body.value.uid);
  if (!allowed.ok) return fail(c, allowed.error);
  const user = await resetPassword(c.var, body.value, links);
  if (!user.ok) return refuseLink(c, user.error);
  audit(c, { event: 'password-reset', user_id: user.value.id });
  notify(c, 'passwordChanged', user.value);
  return c.body(null, 204);
}
