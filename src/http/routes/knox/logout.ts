import { noBody } from '../../body.ts';
import { authenticated } from '../../route.ts';
import { deleteToken, deleteTokens } from '../logout.ts';
import { knoxRoute } from './route.ts';

/** knox/views.py, `LogoutView`. */
export const logout = knoxRoute('POST /logout', {
  access: authenticated,
  body: noBody,
  description: {
    operationId: 'knoxLogout',
    summary: 'Log out',
    description: 'Deletes the token. Other tokens of the user stay.',
    responses: { 204: { description: 'The token is deleted.' } },
  },
  async handle(c, authenticated) {
    await deleteToken(c, authenticated);
    return c.body(null, 204);
  },
});

/** knox/views.py, `LogoutAllView`. */
export const logoutAll = knoxRoute('POST /logoutall', {
  access: authenticated,
  body: noBody,
  description: {
    operationId: 'knoxLogoutAll',
    summary: 'Log out everywhere',
    description: 'Deletes all tokens of the user.',
    responses: { 204: { description: 'The tokens are deleted.' } },
  },
  async handle(c, authenticated) {
    await deleteTokens(c, authenticated);
    return c.body(null, 204);
  },
});
