import type { Authenticated } from '../../auth/tokens.ts';
import { noBody } from '../body.ts';
import type { AppContext } from '../context.ts';
import { authenticated, route } from '../route.ts';
import { audit } from '../security-log.ts';

export const logout = route('POST /logout', {
  access: authenticated,
  body: noBody,
  description: {
    operationId: 'logout',
    summary: 'Log out',
    description: 'Deletes the token of the request. The next login creates a new one.',
    tag: 'With a token',
    responses: { 204: { description: 'The token is deleted.' } },
  },
  async handle(c, authenticated) {
    await deleteToken(c, authenticated);
    return c.body(null, 204);
  },
});

/** knox/views.py, `LogoutAllView`. */
export const logoutAll = route('POST /logoutall', {
  access: authenticated,
  body: noBody,
  description: {
    operationId: 'logoutAll',
    summary: 'Log out everywhere',
    description: 'Deletes all tokens of the user.',
    tag: 'With a token',
    responses: { 204: { description: 'The tokens are deleted.' } },
  },
  async handle(c, authenticated) {
    await deleteTokens(c, authenticated);
    return c.body(null, 204);
  },
});

/** Deletes all tokens of the user. */
export async function deleteTokens(c: AppContext, { user }: Authenticated): Promise<void> {
  await c.var.store.deleteTokens(user.id);
  audit(c, { event: 'logged-out-everywhere', user_id: user.id });
}

export async function deleteToken(c: AppContext, { user, token }: Authenticated): Promise<void> {
  await c.var.store.deleteToken(token.key);
  audit(c, { event: 'logged-out', user_id: user.id });
}
