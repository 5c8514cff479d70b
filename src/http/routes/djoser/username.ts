import { changeOwnUsername } from '../../../auth/own-account.ts';
import { resetUsername, writeUsernameResets } from '../../../auth/username-reset.ts';
import { type Err, err } from '../../../lib/result.ts';
import {
  CurrentPasswordSchema,
  SetUsernameRetypeSchema,
  SetUsernameSchema,
  UsernameResetConfirmRetypeSchema,
  UsernameResetConfirmSchema,
} from '../../../validation/djoser.ts';
import { EmailSchema } from '../../../validation/schemas.ts';
import { body, bodyOrErrors, type ObjectSchema } from '../../body.ts';
import { type Failure, USERNAME_TAKEN } from '../../errors.ts';
import { linkError, notify, sendAfterResponse } from '../../notifications.ts';
import { invalid } from '../../openapi/description.ts';
import { INVALID_LINK, LINK, PASSWORD, REQUIRED, WRONG_PASSWORD } from '../../openapi/examples.ts';
import { limitCurrentPassword, limitLink } from '../../rate-limit.ts';
import { asInViewSet, authenticated, byEmail, sendsLinks } from '../../route.ts';
import { audit, auditRefusal } from '../../security-log.ts';
import { linkRequest } from '../password-reset.ts';
import { withPasswordError } from './current-password.ts';
import { djoserRoute } from './route.ts';

type NewUsername = { new_username: string; re_new_username?: string };
type SetUsername = NewUsername & { current_password: string };
type UsernameReset = NewUsername & { uid?: string | undefined; token?: string | undefined };

/** djoser/views.py, `UserViewSet.set_username`. */
export const setUsername = djoserRoute('POST /users/set_username', {
  access: authenticated,
  body: bodyOrErrors(
    ({ setUsernameRetype }): ObjectSchema<unknown, SetUsername> =>
      setUsernameRetype ? SetUsernameRetypeSchema : SetUsernameSchema,
    CurrentPasswordSchema,
  ),
  description: {
    operationId: 'djoserSetUsername',
    summary: 'Change the username',
    description: 'The token stays valid.',
    request: {
      name: 'SetUsernameRequest',
      examples: { meg: { current_password: PASSWORD, new_username: 'meg' } },
    },
    responses: {
      204: { description: 'The new username is set.' },
      400: invalid({
        empty: { current_password: REQUIRED, new_username: REQUIRED },
        wrong: WRONG_PASSWORD,
      }),
    },
  },
  async handle(c, { data: { validated, part }, ...authenticated }) {
    if (!validated.ok) return withPasswordError(c, authenticated, validated.error, part);
    const { user } = authenticated;
    const allowed = await limitCurrentPassword(c, user);
    if (!allowed.ok) return allowed;
    const changed = await changeOwnUsername(c.var, authenticated, validated.value);
    if (!changed.ok) {
      auditRefusal(c, changed.error, 'username-change-refused', user.id);
      return atNewUsername(changed.error);
    }
    audit(c, { event: 'username-changed', user_id: user.id });
    notify(c, 'usernameChanged', { ...user, username: validated.value.new_username });
    return c.body(null, 204);
  },
});

/** djoser/views.py, `UserViewSet.reset_username`. */
export const sendUsernameReset = djoserRoute('POST /users/reset_username', {
  access: asInViewSet(sendsLinks('usernameReset', byEmail)),
  body: body(EmailSchema),
  description: {
    operationId: 'djoserResetUsername',
    summary: 'Request a link to choose a new username',
    description: 'Works like `/users/reset_password`.',
    ...linkRequest('If an account has this address, a message is sent.'),
  },
  handle(c, { data, services }) {
    sendAfterResponse(c, 'usernameReset', services.mail, () =>
      writeUsernameResets(c.var, data, services),
    );
    return c.body(null, 204);
  },
});

/** djoser/views.py, `UserViewSet.reset_username_confirm`. */
export const confirmUsernameReset = djoserRoute('POST /users/reset_username_confirm', {
  access: asInViewSet(byEmail),
  body: body(
    ({ usernameResetConfirmRetype }): ObjectSchema<unknown, UsernameReset> =>
      usernameResetConfirmRetype ? UsernameResetConfirmRetypeSchema : UsernameResetConfirmSchema,
  ),
  description: {
    operationId: 'djoserResetUsernameConfirm',
    summary: 'Set a new username with a link',
    description: 'A link works once, for an active user. A link for a password works, too.',
    request: {
      name: 'UsernameResetConfirmRequest',
      examples: { meg: { ...LINK, new_username: 'meg' } },
    },
    responses: {
      204: { description: 'The new username is set.' },
      400: invalid({ empty: { new_username: REQUIRED }, ...INVALID_LINK }),
    },
  },
  async handle(c, { data, linkSettings }) {
    const { uid = '', token = '', new_username, re_new_username = new_username } = data;
    if (re_new_username !== new_username) return err({ kind: 'username-mismatch' });
    const allowed = await limitLink(c, uid);
    if (!allowed.ok) return allowed;
    const user = await resetUsername(c.var, { uid, token, new_username }, linkSettings);
    if (!user.ok) return atNewUsername(linkError(c, user.error).error);
    audit(c, { event: 'username-changed', user_id: user.value.id });
    notify(c, 'usernameChanged', user.value);
    return c.body(null, 204);
  },
});

const atNewUsername = (failure: Failure): Err<Failure> =>
  err(
    failure.kind === 'username-taken'
      ? { kind: 'validation-error', errors: { new_username: [USERNAME_TAKEN] } }
      : failure,
  );
