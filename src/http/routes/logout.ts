import { noBody } from '../body.ts';
import { authenticated, route } from '../route.ts';
import { audit } from '../security-log.ts';

export const logout = route('POST /logout', {
  access: authenticated,
  body: noBody,
  description: {
    operationId: 'logout',
    summary: 'Log out',
    description: 'Deletes the token. The next login creates a new one.',
    tag: 'With a token',
    responses: { 204: { description: 'The token is deleted.' } },
  },
  async handle(c, { user, token }) {
    await c.var.store.deleteToken(token.key);
    audit(c, { event: 'logged-out', user_id: user.id });
    return c.body(null, 204);
  },
});
