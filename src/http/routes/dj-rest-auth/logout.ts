import { noBody } from '../../body.ts';
import { detail } from '../../openapi/description.ts';
import { optionallyAuthenticated } from '../../route.ts';
import { deleteToken } from '../logout.ts';
import { djRestAuthRoute } from './route.ts';

const LOGGED_OUT = 'Successfully logged out.';
const NOT_LOGGED_IN = 'You should be logged in to logout. Check whether the token is passed.';

/** dj_rest_auth/views.py, `LogoutView`. A request without a token is 400, not 401. */
export const logout = djRestAuthRoute('POST /logout', {
  access: optionallyAuthenticated,
  body: noBody,
  description: {
    operationId: 'djRestAuthLogout',
    summary: 'Log out',
    description: 'Deletes the token. The next login creates a new one.',
    responses: {
      200: detail('The token is deleted.', { meg: LOGGED_OUT }),
      400: detail('There is no token.', { anonymous: NOT_LOGGED_IN }),
      401: detail('The token is not valid.', { unknown: 'Invalid token.' }, ['WWW-Authenticate']),
    },
  },
  async handle(c, { authenticated }) {
    if (!authenticated) return c.json({ detail: NOT_LOGGED_IN }, 400);
    await deleteToken(c, authenticated);
    return c.json({ detail: LOGGED_OUT }, 200);
  },
});
