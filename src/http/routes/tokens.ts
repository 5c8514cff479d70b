/** The tokens of the user: one for each device with knox's model. */
import { deleteOwnToken, listOwnTokens } from '../../auth/own-tokens.ts';
import { isoDatetime } from '../../lib/django-datetime.ts';
import { noBody } from '../body.ts';
import { NO_STORE } from '../no-store.ts';
import { detail } from '../openapi/description.ts';
import { KEY_ID, KEY_START } from '../openapi/examples.ts';
import { authenticated, route } from '../route.ts';
import { audit } from '../security-log.ts';

export const listTokens = route('GET /tokens', {
  access: authenticated,
  body: noBody,
  description: {
    operationId: 'listTokens',
    summary: 'List the tokens of the user',
    description:
      'The first one is the token of the request, then the newest follow. Of the others, at most 101 are listed. Expired tokens are not. With TOKEN_MODEL = "knox.AuthToken" there is one token for each login, otherwise one for each user.',
    tag: 'With a token',
    responses: {
      200: {
        description: 'The tokens, without their keys.',
        schema: 'OwnTokens',
        examples: {
          meg: [
            {
              id: KEY_ID,
              token_key: KEY_START,
              created: '2026-11-25T08:30:00.000000Z',
              expiry: null,
              is_current: true,
            },
          ],
        },
      },
    },
  },
  async handle(c, authenticated) {
    const tokens = await listOwnTokens(c.var, authenticated);
    const shown = tokens.map(({ created, expiry, is_current, ...token }) => ({
      ...token,
      created: isoDatetime(created),
      expiry: expiry === null ? null : isoDatetime(expiry),
      is_current,
    }));
    return c.json(shown, 200, NO_STORE);
  },
});

export const destroyToken = route('DELETE /tokens/:id', {
  access: authenticated,
  body: noBody,
  description: {
    operationId: 'destroyToken',
    summary: 'Delete a token of the user',
    description: 'Logs one device out. The token may be the one of the request.',
    tag: 'With a token',
    parameter: {
      description: 'The id of a token in the list.',
      schema: { type: 'string' },
      example: KEY_ID,
    },
    responses: {
      204: { description: 'The token is deleted.' },
      404: detail('The user has no such token.', { nobody: 'Not found.' }),
    },
  },
  async handle(c, { user }) {
    const deleted = await deleteOwnToken(c.var, user, c.req.param('id') ?? '');
    if (!deleted.ok) return deleted;
    audit(c, { event: 'token-revoked', user_id: user.id });
    return c.body(null, 204);
  },
});
