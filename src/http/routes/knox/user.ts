/**
 * A registration and the user of the token. knox has no such views. These have the paths and responses of
 * tutorials for knox, whose clients use them.
 */
import { noBody } from '../../body.ts';
import { KNOX_KEY, MEG, PASSWORD, USERNAME } from '../../openapi/examples.ts';
import { anyone, authenticated } from '../../route.ts';
import { tokenResponse } from '../../token-response.ts';
import { userResponse } from '../me.ts';
import { createUser, REGISTRATION_REFUSED, registration, VERIFICATION_SENT } from '../register.ts';
import { knoxRoute } from './route.ts';
import { tokenBody } from './token-body.ts';

export const register = knoxRoute('POST /register', {
  access: anyone('register'),
  body: registration,
  description: {
    operationId: 'knoxRegister',
    summary: 'Register a user',
    description: 'Works like `/register`. Responds as the login does.',
    request: {
      name: 'KnoxRegisterRequest',
      emailAsUsername: true,
      takesOwnFields: true,
      examples: { meg: { username: USERNAME, email: USERNAME, password: PASSWORD } },
    },
    responses: ({ registerStatus }) => ({
      [registerStatus]: {
        description: 'The token of the new user, or a message with a link is sent.',
        schema: 'KnoxTokenOrDetail',
        examples: {
          meg: { expiry: '2026-11-25T18:30:00.000000Z', token: KNOX_KEY },
          unverified: VERIFICATION_SENT,
        },
      },
      400: REGISTRATION_REFUSED,
    }),
  },
  async handle(c, { data: { validated, own } }) {
    if (!validated.ok) return validated;
    const registered = await createUser(c, { ...validated.value, own });
    if (!registered.ok) return registered;
    const { token, username } = registered.value;
    const status = c.var.settings.registerStatus;
    if (token) return tokenResponse(c, tokenBody(c, token, username), status);
    return c.json(VERIFICATION_SENT, status);
  },
});

export const retrieveUser = knoxRoute('GET /user', {
  access: authenticated,
  body: noBody,
  description: {
    operationId: 'knoxUser',
    summary: 'Get the user of the token',
    description: 'Works like `/me`.',
    responses: {
      200: { description: 'The user of the token.', schema: 'User', examples: { meg: MEG } },
    },
  },
  handle: (c, { user }) => userResponse(c, user),
});
