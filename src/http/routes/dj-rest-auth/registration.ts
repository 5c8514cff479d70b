import { activate, writeActivations } from '../../../auth/activation.ts';
import { parseLinkKey } from '../../../auth/link-tokens.ts';
import { err } from '../../../lib/result.ts';
import {
  AddressSchema,
  RegistrationSchema,
  VerifiedRegistrationSchema,
  VerifyEmailSchema,
} from '../../../validation/dj-rest-auth.ts';
import { body, registrationBody } from '../../body.ts';
import { linkError, notify, sendAfterResponse } from '../../notifications.ts';
import { detail, invalid } from '../../openapi/description.ts';
import { KEY, LINK, PASSWORD, REQUIRED, USERNAME } from '../../openapi/examples.ts';
import { limitLink } from '../../rate-limit.ts';
import { anyone, byEmail, byVerification, ifOn, sendsLinks } from '../../route.ts';
import { audit } from '../../security-log.ts';
import { tokenResponse } from '../../token-response.ts';
import { NO_LINKS } from '../password-reset.ts';
import { createUser, VERIFICATION_SENT } from '../register.ts';
import { djRestAuthRoute } from './route.ts';

/** dj_rest_auth/registration/views.py, `RegisterView`. */
export const register = djRestAuthRoute('POST /registration', {
  access: ifOn(anyone('register'), 'djRestAuthRegistration'),
  body: registrationBody(({ emailVerification }) =>
    emailVerification === 'required' ? VerifiedRegistrationSchema : RegistrationSchema,
  ),
  description: {
    operationId: 'djRestAuthRegister',
    summary: 'Register a user',
    description: 'Inserts a user and its token in one transaction.',
    request: {
      name: 'RegistrationRequest',
      takesOwnFields: true,
      examples: {
        meg: { username: USERNAME, email: USERNAME, password1: PASSWORD, password2: PASSWORD },
      },
    },
    responses: {
      201: {
        description: 'The token of the new user, or a message with a link is sent.',
        schema: 'KeyOrDetail',
        examples: { meg: { key: KEY }, unverified: VERIFICATION_SENT },
      },
      400: invalid({ empty: { username: REQUIRED, password1: REQUIRED, password2: REQUIRED } }),
    },
  },
  async handle(c, { data: { validated, own } }) {
    if (!validated.ok) return validated;
    const { username, email = '', password1, password2 } = validated.value;
    if (password1 !== password2) return err({ kind: 'password-mismatch' });
    const names = { first_name: '', last_name: '' };
    const user = { username, email, password: password1, ...names, own };
    const registered = await createUser(c, user);
    if (!registered.ok) {
      const { error } = registered;
      return err(error.kind === 'password-refused' ? { ...error, field: 'password1' } : error);
    }
    const { token } = registered.value;
    return token ? tokenResponse(c, { key: token.key }, 201) : c.json(VERIFICATION_SENT, 201);
  },
});

/** `VerifyEmailView`. The key is both parts of an activation link, joined by a hyphen. */
export const verifyEmail = djRestAuthRoute('POST /registration/verify-email', {
  access: ifOn(byEmail, 'djRestAuthRegistration'),
  body: body(VerifyEmailSchema),
  description: {
    operationId: 'djRestAuthVerifyEmail',
    summary: 'Activate a user with the key of a link',
    description: 'The `key` is the `uid` and the `token` of a link, joined by a hyphen.',
    request: {
      name: 'VerifyEmailRequest',
      examples: { meg: { key: `${LINK.uid}-${LINK.token}` } },
    },
    responses: {
      200: detail('The user is active.', { meg: 'ok' }),
      400: invalid({ empty: { key: REQUIRED } }),
      404: detail('The key is not valid, or was used.', { used: 'Not found.' }),
    },
  },
  async handle(c, { data, linkSettings }) {
    const link = parseLinkKey(data.key);
    const allowed = await limitLink(c, link.uid);
    if (!allowed.ok) return allowed;
    const user = await activate(c.var, link, linkSettings);
    if (!user.ok) {
      linkError(c, user.error);
      return err({ kind: 'not-found' });
    }
    audit(c, { event: 'activated', user_id: user.value.id });
    notify(c, 'confirmation', user.value);
    return c.json({ detail: 'ok' }, 200);
  },
});

/** `ResendEmailVerificationView`. */
export const resendEmail = djRestAuthRoute('POST /registration/resend-email', {
  access: ifOn(sendsLinks('activation', byVerification), 'djRestAuthRegistration'),
  body: body(AddressSchema),
  description: {
    operationId: 'djRestAuthResendEmail',
    summary: 'Request a new activation link',
    description: 'Only with EMAIL_VERIFICATION = "required".',
    request: { name: 'AddressRequest', examples: { meg: { email: USERNAME } } },
    responses: {
      200: detail('If an account of this address waits for activation, a message is sent.', {
        meg: 'ok',
      }),
      400: invalid({ empty: { email: REQUIRED } }),
      503: NO_LINKS,
    },
  },
  handle(c, { data: { email }, services }) {
    sendAfterResponse(c, 'activation', services.mail, () =>
      writeActivations(c.var, { email, username: '' }, services),
    );
    return c.json({ detail: 'ok' }, 200);
  },
});
