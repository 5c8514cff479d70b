import { encodeAllauthUid, fromAllauthUid } from '../../../auth/link-tokens.ts';
import { setOwnPassword } from '../../../auth/own-account.ts';
import { setPasswordByLink, writePasswordResets } from '../../../auth/password-reset.ts';
import {
  AddressSchema,
  PasswordChangeSchema,
  ResetConfirmSchema,
  UnverifiedPasswordChangeSchema,
} from '../../../validation/dj-rest-auth.ts';
import { body } from '../../body.ts';
import type { AppContext } from '../../context.ts';
import { linkError, notify, sendAfterResponse } from '../../notifications.ts';
import { detail, invalid } from '../../openapi/description.ts';
import { LINK, PASSWORD, REQUIRED, USERNAME } from '../../openapi/examples.ts';
import { limitCurrentPassword, limitLink } from '../../rate-limit.ts';
import { authenticated, byEmail, sendsLinks } from '../../route.ts';
import { audit, auditRefusal } from '../../security-log.ts';
import { NO_LINKS } from '../password-reset.ts';
import { inItsWords, NEW_PASSWORDS_DIFFER, WRONG_OLD_PASSWORD } from './failures.ts';
import { djRestAuthRoute } from './route.ts';

const NEW_PASSWORDS = { new_password1: 'a better one', new_password2: 'a better one' };
const SAVED = 'New password has been saved.';
const SENT = 'Password reset e-mail has been sent.';
const RESET = 'Password has been reset with the new password.';

/** dj_rest_auth/views.py, `PasswordChangeView`. */
export const changePassword = djRestAuthRoute('POST /password/change', {
  access: authenticated,
  body: body(({ oldPasswordFieldEnabled }) =>
    oldPasswordFieldEnabled ? PasswordChangeSchema : UnverifiedPasswordChangeSchema,
  ),
  description: {
    operationId: 'djRestAuthPasswordChange',
    summary: 'Change the password',
    description: 'The token stays valid, unless LOGOUT_ON_PASSWORD_CHANGE = "true".',
    request: {
      name: 'PasswordChangeRequest',
      examples: { meg: { old_password: PASSWORD, ...NEW_PASSWORDS } },
    },
    responses: {
      200: detail('The new password is set.', { meg: SAVED }),
      400: invalid({
        wrong: { old_password: [WRONG_OLD_PASSWORD] },
        different: { new_password2: [NEW_PASSWORDS_DIFFER] },
      }),
    },
  },
  async handle(c, { data, ...authenticated }) {
    const { user } = authenticated;
    const allowed = await limitCurrentPassword(c, user);
    if (!allowed.ok) return allowed;
    const changed = await setOwnPassword(c.var, authenticated, data);
    if (!changed.ok) {
      auditRefusal(c, changed.error, 'password-change-refused', user.id);
      return inItsWords(changed.error);
    }
    audit(c, { event: 'password-changed', user_id: user.id });
    notify(c, 'passwordChanged', user);
    return c.json({ detail: SAVED }, 200);
  },
});

/** dj_rest_auth/views.py, `PasswordResetView`. */
export const sendPasswordReset = djRestAuthRoute('POST /password/reset', {
  access: sendsLinks('passwordReset', byEmail),
  body: body(AddressSchema),
  description: {
    operationId: 'djRestAuthPasswordReset',
    summary: 'Request a password reset',
    description: 'Works like `/users/reset_password`.',
    request: { name: 'AddressRequest', examples: { meg: { email: USERNAME } } },
    responses: {
      200: detail('If an account has this address, a message is sent.', { meg: SENT }),
      400: invalid({ empty: { email: REQUIRED } }),
      503: NO_LINKS,
    },
  },
  handle(c, { data: { email }, services: linkServices }) {
    const services = hasAllauth(c)
      ? { ...linkServices, encodeUid: encodeAllauthUid }
      : linkServices;
    sendAfterResponse(c, 'passwordReset', services.mail, () =>
      writePasswordResets(c.var, { email, username: '' }, services),
    );
    return c.json({ detail: SENT }, 200);
  },
});

/** dj_rest_auth/views.py, `PasswordResetConfirmView`. */
export const confirmPasswordReset = djRestAuthRoute('POST /password/reset/confirm', {
  access: byEmail,
  body: body(ResetConfirmSchema),
  description: {
    operationId: 'djRestAuthPasswordResetConfirm',
    summary: 'Set a new password with a link',
    description: 'The token stays valid, unless LOGOUT_ON_PASSWORD_CHANGE = "true".',
    request: { name: 'ResetConfirmRequest', examples: { meg: { ...LINK, ...NEW_PASSWORDS } } },
    responses: {
      200: detail('The new password is set.', { meg: RESET }),
      400: invalid({
        'unknown-user': { uid: ['Invalid value'] },
        'invalid-token': { token: ['Invalid value'] },
      }),
    },
  },
  async handle(c, { data, linkSettings }) {
    const uid = hasAllauth(c) ? fromAllauthUid(data.uid) : data.uid;
    const allowed = await limitLink(c, uid);
    if (!allowed.ok) return allowed;
    const user = await setPasswordByLink(c.var, { ...data, uid }, linkSettings);
    if (!user.ok) return inItsWords(linkError(c, user.error).error);
    audit(c, { event: 'password-reset', user_id: user.value.id });
    notify(c, 'passwordChanged', user.value);
    return c.json({ detail: RESET }, 200);
  },
});

/** With allauth, the uid of a link is in base 36 (`PasswordResetConfirmSerializer.validate`). */
const hasAllauth = (c: AppContext): boolean => c.var.settings.djRestAuthRegistration;
