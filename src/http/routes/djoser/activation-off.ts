/**
 * The routes for activations if new users need none. In djoser they exist then, too. activation.ts has those
 * that activate.
 */
import { err } from '../../../lib/result.ts';
import { ActivationSchema, EmailSchema } from '../../../validation/schemas.ts';
import { body } from '../../body.ts';
import { invalid } from '../../openapi/description.ts';
import { INVALID_LINK, LINK, REQUIRED, USERNAME } from '../../openapi/examples.ts';
import { type Access, anyone, asInViewSet, byVerification, isEnabled } from '../../route.ts';
import { djoserRoute } from './route.ts';

const ifVerificationIsOff: Access<object> = {
  ...asInViewSet(anyone('mail-address')),
  isEnabled: (services) => !isEnabled(byVerification, services),
};

/** No user waits for activation, so no link is valid. */
export const activationIsOff = djoserRoute('POST /users/activation', {
  access: ifVerificationIsOff,
  body: body(ActivationSchema),
  description: {
    operationId: 'djoserActivationIsOff',
    summary: 'Refuse a link, because no user waits for activation',
    description: 'Only with EMAIL_VERIFICATION = "none".',
    request: { name: 'ActivationRequest', examples: { meg: LINK } },
    responses: {
      400: invalid({
        empty: { uid: REQUIRED, token: REQUIRED },
        meg: INVALID_LINK['unknown-user'],
      }),
    },
  },
  handle: () => err({ kind: 'invalid-uid' }),
});

/** djoser/views.py, `UserViewSet.resend_activation`. */
export const resendActivationIsOff = djoserRoute('POST /users/resend_activation', {
  access: ifVerificationIsOff,
  body: body(EmailSchema),
  description: {
    operationId: 'djoserResendActivationIsOff',
    summary: 'Refuse a request for a link, because no user waits for activation',
    description: 'Only with EMAIL_VERIFICATION = "none". A valid body is 400 without a body.',
    request: { name: 'EmailRequest', examples: { meg: { email: USERNAME } } },
    responses: { 400: invalid({ empty: { email: REQUIRED } }) },
  },
  handle: (c) => c.body(null, 400),
});
