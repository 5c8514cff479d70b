import { pythonStrip } from '../../../lib/python-strip.ts';
import { TokenCreateByEmailSchema, TokenCreateSchema } from '../../../validation/djoser.ts';
import { body, noBody, type ObjectSchema } from '../../body.ts';
import { UNABLE_TO_LOG_IN } from '../../errors.ts';
import { invalid } from '../../openapi/description.ts';
import { KEY, PASSWORD, USERNAME } from '../../openapi/examples.ts';
import { anyone, authenticated } from '../../route.ts';
import { tokenResponse } from '../../token-response.ts';
import { asInvalidData, obtainToken } from '../login.ts';
import { deleteToken } from '../logout.ts';
import { djoserRoute } from './route.ts';

type Credentials = {
  username?: string | undefined;
  email?: string | undefined;
  password?: string | undefined;
};

/** djoser/views.py, `TokenCreateView`. A login sets the last login, so links from before it expire. */
export const logIn = djoserRoute('POST /token/login', {
  access: anyone('login-address'),
  body: body(
    ({ loginField }): ObjectSchema<unknown, Credentials> =>
      loginField === 'email' ? TokenCreateByEmailSchema : TokenCreateSchema,
  ),
  description: {
    operationId: 'djoserTokenCreate',
    summary: 'Log in',
    description: 'With LOGIN_FIELD = "email", the body has an `email` and no `username`.',
    request: {
      name: 'TokenCreateRequest',
      examples: { meg: { username: USERNAME, password: PASSWORD } },
    },
    responses: {
      200: {
        description: 'The token of the user.',
        schema: 'AuthToken',
        examples: { meg: { auth_token: KEY } },
      },
      400: invalid({ empty: { non_field_errors: [UNABLE_TO_LOG_IN] } }),
    },
  },
  async handle(c, { data: { username = '', email, password = '' } }) {
    const credentials = { username, email, setsLastLogin: true };
    const trimmed = pythonStrip(password);
    let login = await obtainToken(c, { ...credentials, password: trimmed });
    // djoser trims each password, but /register and a reset do not.
    if (!login.ok && login.error.kind === 'invalid-credentials' && password !== trimmed) {
      login = await obtainToken(c, { ...credentials, password });
    }
    if (!login.ok) return asInvalidData(login.error);
    return tokenResponse(c, { auth_token: login.value.token.key }, 200);
  },
});

/** djoser/views.py, `TokenDestroyView`. */
export const logOut = djoserRoute('POST /token/logout', {
  access: authenticated,
  body: noBody,
  description: {
    operationId: 'djoserTokenDestroy',
    summary: 'Log out',
    description: 'Deletes the token. The next login creates a new one.',
    responses: { 204: { description: 'The token is deleted.' } },
  },
  async handle(c, authenticated) {
    await deleteToken(c, authenticated);
    return c.body(null, 204);
  },
});
