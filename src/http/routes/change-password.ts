import { changeOwnPassword } from '../../auth/own-account.ts';
import { PasswordSchema } from '../../validation/schemas.ts';
import { body } from '../body.ts';
import { notify } from '../notifications.ts';
import { invalid } from '../openapi/description.ts';
import { KEY, PASSWORD, REQUIRED, WRONG_PASSWORD } from '../openapi/examples.ts';
import { limitCurrentPassword } from '../rate-limit.ts';
import { authenticated, route } from '../route.ts';
import { audit, auditRefusal } from '../security-log.ts';
import { tokenResponse } from '../token-response.ts';

export const changePassword = route('POST /password', {
  access: authenticated,
  body: body(PasswordSchema),
  description: {
    operationId: 'changePassword',
    summary: 'Change the password',
    description:
      'Sets a new password and a new token in one transaction. This revokes the old token.',
    tag: 'With a token',
    request: {
      name: 'PasswordRequest',
      examples: { meg: { current_password: PASSWORD, new_password: 'a better one' } },
    },
    responses: {
      200: { description: 'The new token.', schema: 'Token', examples: { meg: { token: KEY } } },
      400: invalid({
        empty: { current_password: REQUIRED, new_password: REQUIRED },
        wrong: WRONG_PASSWORD,
      }),
    },
  },
  async handle(c, { data, ...authenticated }) {
    const { user } = authenticated;
    const allowed = await limitCurrentPassword(c, user);
    if (!allowed.ok) return allowed;
    const token = await changeOwnPassword(c.var, authenticated, data);
    if (!token.ok) {
      auditRefusal(c, token.error, 'password-change-refused', user.id);
      return token;
    }
    audit(c, { event: 'password-changed', user_id: user.id });
    notify(c, 'passwordChanged', user);
    return tokenResponse(c, { token: token.value }, 200);
  },
});
