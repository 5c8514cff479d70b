import { LoginSchema } from '../../../validation/dj-rest-auth.ts';
import { body } from '../../body.ts';
import { UNABLE_TO_LOG_IN } from '../../errors.ts';
import { invalid } from '../../openapi/description.ts';
import { KEY, PASSWORD, REQUIRED, USERNAME } from '../../openapi/examples.ts';
import { anyone } from '../../route.ts';
import { tokenResponse } from '../../token-response.ts';
import { obtainToken } from '../login.ts';
import { inItsWords } from './failures.ts';
import { djRestAuthRoute } from './route.ts';

/** dj_rest_auth/views.py, `LoginView`. */
export const login = djRestAuthRoute('POST /login', {
  access: anyone('login-address'),
  body: body(LoginSchema),
  description: {
    operationId: 'djRestAuthLogin',
    summary: 'Log in by username or e-mail address',
    description: 'If a user has the `email`, the `username` is ignored.',
    request: {
      name: 'DjRestAuthLoginRequest',
      examples: { meg: { username: USERNAME, password: PASSWORD } },
    },
    responses: {
      200: {
        description: 'The token of the user.',
        schema: 'Key',
        examples: { meg: { key: KEY } },
      },
      400: invalid({
        empty: { password: REQUIRED },
        wrong: { non_field_errors: [UNABLE_TO_LOG_IN] },
      }),
    },
  },
  async handle(c, { data }) {
    const login = await obtainToken(c, data);
    if (!login.ok) return inItsWords(login.error);
    return tokenResponse(c, { key: login.value.token.key }, 200);
  },
});
