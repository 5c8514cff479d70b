import { activate, writeActivations } from '../../auth/activation.ts';
import { ActivationSerializer, type EmailSerializer } from '../../validation/schemas.ts';
import type { ByMail } from '../by-mail.ts';
import type { AppContext, Body } from '../context.ts';
import { fail } from '../errors.ts';
import { answerByMail, refuseLink } from '../notifications.ts';
import { limitLink } from '../rate-limit.ts';
import { readBody } from '../read-body.ts';
import { audit } from '../security-log.ts';

/** `POST /users/activation` → 204. From now on the user can log in. */
export async function activateUser(
  c: AppContext<Body<typeof ActivationSerializer>>,
  { links }: ByMail,
) {
  const link = await readBody(c, 'mail-address', ActivationSerializer);
  if (!link.ok) return fail(c, link.error);
  const allowed = await limitLink(c, link.value.uid);
  if (!allowed.ok) return fail(c, allowed.error);
  const userId = await activate(c.var, link.value, links);
  if (!userId.ok) return refuseLink(c, userId.error);
  audit(c, { event: 'activated', user_id: userId.value });
  return c.body(null, 204);
}

/** `POST /users/resend_activation` → 204, whether or not a user waits for an activation. */
export const resendActivation = (c: AppContext<Body<typeof EmailSerializer>>, services: ByMail) =>
  answerByMail(c, 'activation', services, writeActivations);
