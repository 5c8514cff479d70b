import type { LinkServices } from '../auth/account-mail.ts';
import { resetPassword, sendPasswordResets } from '../auth/password-reset.ts';
import { type EmailSerializer, PasswordResetConfirmSerializer } from '../validation/serializers.ts';
import { audit } from './audit.ts';
import type { AppContext, Body } from './context.ts';
import { fail } from './failure.ts';
import { answerByMail, notify, refuseLink } from './mailing.ts';
import { limitLink } from './rate-limit.ts';
import { readBody } from './read-body.ts';

/** `POST /users/reset_password` → 204, whether or not somebody has the address. */
export const sendPasswordReset = (
  c: AppContext<Body<typeof EmailSerializer>>,
  services: LinkServices,
) => answerByMail(c, 'passwordReset', (email) => sendPasswordResets(c.var, services, email));

/** `POST /users/reset_password_confirm` → 204. The old token is dead; a login gives a new one. */
export async function confirmPasswordReset(
  c: AppContext<Body<typeof PasswordResetConfirmSerializer>>,
  services: LinkServices,
) {
  const body = await readBody(c, 'mail-address', PasswordResetConfirmSerializer);
  if (!body.ok) return fail(c, body.error);
  const allowed = await limitLink(c, body.value.uid);
  if (!allowed.ok) return fail(c, allowed.error);
  const user = await resetPassword(c.var, services, body.value);
  if (!user.ok) return refuseLink(c, user.error);
  audit(c, { event: 'password-reset', user_id: user.value.id });
  notify(c, 'passwordChanged', user.value);
  return c.body(null, 204);
}
