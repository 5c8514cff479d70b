import { resetPassword, writePasswordResets } from '../../auth/password-reset.ts';
import { err } from '../../lib/result.ts';
import {
  EmailSchema,
  PasswordResetConfirmRetypeSchema,
  PasswordResetConfirmSchema,
} from '../../validation/schemas.ts';
import { body } from '../body.ts';
import { linkError, notify, sendAfterResponse } from '../notifications.ts';
import { type Description, detail, invalid } from '../openapi/description.ts';
import { INVALID_LINK, LINK, REQUIRED, USERNAME } from '../openapi/examples.ts';
import { limitLink } from '../rate-limit.ts';
import { asInViewSet, byEmail, route, sendsLinks } from '../route.ts';
import { audit } from '../security-log.ts';

export const NO_LINKS = detail(
  'SECRET_KEY or the URL of the page for links is not set.',
  { unsigned: 'Service temporarily unavailable, try again later.' },
  ['Retry-After'],
);

export const sendPasswordReset = route('POST /users/reset_password', {
  access: asInViewSet(sendsLinks('passwordReset', byEmail)),
  body: body(EmailSchema),
  description: {
    operationId: 'resetPassword',
    summary: 'Request a password reset',
    description:
      'Sends one message with a link for each active account of this address, up to ten. With a `username`, the message has only the link of that account. If no account has the address, the response is the same.',
    tag: 'By e-mail',
    ...linkRequest('If an account has this address, a message is sent.'),
  },
  handle(c, { data, services }) {
    sendAfterResponse(c, 'passwordReset', services.mail, () =>
      writePasswordResets(c.var, data, services),
    );
    return c.body(null, 204);
  },
});

export const confirmPasswordReset = route('POST /users/reset_password_confirm', {
  access: asInViewSet(byEmail),
  body: body(({ passwordResetConfirmRetype }) =>
    passwordResetConfirmRetype ? PasswordResetConfirmRetypeSchema : PasswordResetConfirmSchema,
  ),
  description: {
    operationId: 'resetPasswordConfirm',
    summary: 'Set a new password with a link',
    description:
      'A link works once, for an active user. This revokes the token of the user. The next login creates a new one.',
    tag: 'By e-mail',
    request: {
      name: 'PasswordResetConfirmRequest',
      examples: { meg: { ...LINK, new_password: 'a better one' } },
    },
    responses: {
      204: { description: 'The new password is set.' },
      400: invalid({
        empty: { uid: REQUIRED, token: REQUIRED, new_password: REQUIRED },
        ...INVALID_LINK,
      }),
    },
  },
  async handle(c, { data, linkSettings }) {
    if ('re_new_password' in data && data.re_new_password !== data.new_password) {
      return err({ kind: 'password-mismatch' });
    }
    const allowed = await limitLink(c, data.uid);
    if (!allowed.ok) return allowed;
    const user = await resetPassword(c.var, data, linkSettings);
    if (!user.ok) return linkError(c, user.error);
    audit(c, { event: 'password-reset', user_id: user.value.id });
    notify(c, 'passwordChanged', user.value);
    return c.body(null, 204);
  },
});

/** The body and the responses of a route that sends links to an address. */
export function linkRequest(sent: string): Pick<Description, 'request' | 'responses'> {
  return {
    request: {
      name: 'EmailRequest',
      examples: { meg: { email: USERNAME }, one: { email: USERNAME, username: USERNAME } },
    },
    responses: {
      204: { description: sent },
      400: invalid({
        empty: { email: REQUIRED },
        misspelt: { email: ['Enter a valid email address.'] },
      }),
      503: NO_LINKS,
    },
  };
}
