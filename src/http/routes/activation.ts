import { activate, writeActivations } from '../../auth/activation.ts';
import { ActivationSchema, EmailSchema } from '../../validation/schemas.ts';
import { body } from '../body.ts';
import { linkError, notify, sendAfterResponse } from '../notifications.ts';
import { detail, invalid } from '../openapi/description.ts';
import { INVALID_LINK, LINK, REQUIRED } from '../openapi/examples.ts';
import { limitLink } from '../rate-limit.ts';
import { asInViewSet, byVerification, route, sendsLinks } from '../route.ts';
import { audit } from '../security-log.ts';
import { linkRequest } from './password-reset.ts';

export const activateUser = route('POST /users/activation', {
  access: asInViewSet(byVerification),
  body: body(ActivationSchema),
  description: {
    operationId: 'activation',
    summary: 'Activate a user with a link',
    description: 'Only with EMAIL_VERIFICATION = "required". After this, the user can log in.',
    tag: 'By e-mail',
    request: { name: 'ActivationRequest', examples: { meg: LINK } },
    responses: {
      204: { description: 'The user is active.' },
      400: invalid({ empty: { uid: REQUIRED, token: REQUIRED }, ...INVALID_LINK }),
      403: detail('The user does not wait for activation.', {
        stale: 'Stale token for given user.',
      }),
    },
  },
  async handle(c, { data, linkSettings }) {
    const allowed = await limitLink(c, data.uid);
    if (!allowed.ok) return allowed;
    const user = await activate(c.var, data, linkSettings);
    if (!user.ok) return linkError(c, user.error);
    audit(c, { event: 'activated', user_id: user.value.id });
    notify(c, 'confirmation', user.value);
    return c.body(null, 204);
  },
});

export const resendActivation = route('POST /users/resend_activation', {
  access: asInViewSet(sendsLinks('activation', byVerification)),
  body: body(EmailSchema),
  description: {
    operationId: 'resendActivation',
    summary: 'Request a new activation link',
    description:
      'Only with EMAIL_VERIFICATION = "required". Works like `/users/reset_password`, for accounts that wait for activation.',
    tag: 'By e-mail',
    ...linkRequest('If an account with this address waits for activation, a message is sent.'),
  },
  handle(c, { data, services }) {
    sendAfterResponse(c, 'activation', services.mail, () =>
      writeActivations(c.var, data, services),
    );
    return c.body(null, 204);
  },
});
