import { setOwnPassword } from '../../../auth/own-account.ts';
import {
  CurrentPasswordSchema,
  SetPasswordRetypeSchema,
  SetPasswordSchema,
} from '../../../validation/djoser.ts';
import { bodyOrErrors, type ObjectSchema } from '../../body.ts';
import { notify } from '../../notifications.ts';
import { invalid } from '../../openapi/description.ts';
import { PASSWORD, REQUIRED, WRONG_PASSWORD } from '../../openapi/examples.ts';
import { limitCurrentPassword } from '../../rate-limit.ts';
import { authenticated } from '../../route.ts';
import { audit, auditRefusal } from '../../security-log.ts';
import { withPasswordError } from './current-password.ts';
import { djoserRoute } from './route.ts';

type SetPassword = { current_password: string; new_password: string; re_new_password?: string };

/** djoser/views.py, `UserViewSet.set_password`. */
export const setPassword = djoserRoute('POST /users/set_password', {
  access: authenticated,
  body: bodyOrErrors(
    ({ setPasswordRetype }): ObjectSchema<unknown, SetPassword> =>
      setPasswordRetype ? SetPasswordRetypeSchema : SetPasswordSchema,
    CurrentPasswordSchema,
  ),
  description: {
    operationId: 'djoserSetPassword',
    summary: 'Change the password',
    description: 'The token stays valid, unless LOGOUT_ON_PASSWORD_CHANGE = "true".',
    request: {
      name: 'SetPasswordRequest',
      examples: { meg: { current_password: PASSWORD, new_password: 'a better one' } },
    },
    responses: {
      204: { description: 'The new password is set.' },
      400: invalid({
        empty: { current_password: REQUIRED, new_password: REQUIRED },
        wrong: WRONG_PASSWORD,
      }),
    },
  },
  async handle(c, { data: { validated, part }, ...authenticated }) {
    if (!validated.ok) return withPasswordError(c, authenticated, validated.error, part);
    const { user } = authenticated;
    const { current_password, new_password, re_new_password = new_password } = validated.value;
    const allowed = await limitCurrentPassword(c, user);
    if (!allowed.ok) return allowed;
    const changed = await setOwnPassword(c.var, authenticated, {
      old_password: current_password,
      new_password1: new_password,
      new_password2: re_new_password,
    });
    if (!changed.ok) {
      auditRefusal(c, changed.error, 'password-change-refused', user.id);
      return changed;
    }
    audit(c, { event: 'password-changed', user_id: user.id });
    notify(c, 'passwordChanged', user);
    return c.body(null, 204);
  },
});
