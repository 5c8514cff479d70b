import { writeFirstActivation } from '../../auth/activation.ts';
import { registerUser } from '../../auth/register.ts';
import { ok } from '../../lib/result.ts';
import {
  RegisterSerializer,
  VerifiedRegisterSerializer,
  withEmailAsUsername,
} from '../../validation/schemas.ts';
import { linkSettings } from '../by-mail.ts';
import type { AppContext, Body } from '../context.ts';
import { fail } from '../errors.ts';
import { linkTemplate } from '../link-template.ts';
import { sendAfterAnswer } from '../notifications.ts';
import { limitAddress } from '../rate-limit.ts';
import { readBody } from '../read-body.ts';
import { audit } from '../security-log.ts';
import { tokenAnswer } from '../token-response.ts';

/**
 * `POST /register` → 201 `{"token"}`. Where addresses are to be verified: 201
 * `{"detail": "Verification e-mail sent."}` and a link in the mail, and no token yet.
 */
export async function register(c: AppContext<Body<typeof RegisterSerializer>>) {
  const { mail, settings } = c.var;
  const links = mail &&
    settings.emailVerification === 'required' && {
      mail,
      links: linkSettings(settings),
      template: linkTemplate(c, 'activation'),
    };
  const serializer = links ? VerifiedRegisterSerializer : RegisterSerializer;
  const registration = await readBody(c, 'register', serializer, withEmailAsUsername);
  if (!registration.ok) return fail(c, registration.error);
  const allowed = links ? await limitAddress(c, 'mail-address') : ok(undefined);
  if (!allowed.ok) return fail(c, allowed.error);
  const registered = await registerUser(c.var, registration.value);
  if (!registered.ok) return fail(c, registered.error);
  const { id, key } = registered.value;
  audit(c, { event: 'registered', user_id: id });
  if (key !== undefined) return tokenAnswer(c, { token: key }, 201);
  if (links) {
    sendAfterAnswer(c, 'activation', links.mail, () => writeFirstActivation(c.var, id, links));
  }
  return c.json({ detail: 'Verification e-mail sent.' }, 201);
}
