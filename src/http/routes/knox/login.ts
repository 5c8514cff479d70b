import { err } from '../../../lib/result.ts';
import { AuthTokenSchema } from '../../../validation/schemas.ts';
import { body } from '../../body.ts';
import type { AppContext } from '../../context.ts';
import { type Failure, TOKEN_LIMIT_EXCEEDED, UNABLE_TO_LOG_IN } from '../../errors.ts';
import { detail, invalid } from '../../openapi/description.ts';
import { KNOX_KEY, PASSWORD, REQUIRED, USERNAME } from '../../openapi/examples.ts';
import { optionallyAuthenticated } from '../../route.ts';
import { tokenResponse } from '../../token-response.ts';
import { asInvalidData, obtainToken } from '../login.ts';
import { isBasic, readBasic } from './basic.ts';
import { knoxRoute } from './route.ts';
import { tokenBody } from './token-body.ts';

const inBody = body(AuthTokenSchema);

const sendsBasic = (c: AppContext): boolean => isBasic(c.req.header('Authorization'));

/**
 * knox/views.py, `LoginView`, by Basic or as knox's documentation shows it for JSON. A login sets the last
 * login, so links from before it expire (`user_logged_in`).
 */
export const login = knoxRoute('POST /login', {
  access: { ...optionallyAuthenticated, rateLimit: 'login-address' },
  body: {
    schema: inBody.schema,
    read: async (c) => (sendsBasic(c) ? readBasic(c.req.header('Authorization')) : inBody.read(c)),
  },
  description: {
    operationId: 'knoxLogin',
    summary: 'Log in',
    description:
      'Each login creates a new token. The name and the password are in the body, or in `Authorization: Basic`. Then the body is not read, and a failure is 401.',
    request: {
      name: 'KnoxLoginRequest',
      examples: { meg: { username: USERNAME, password: PASSWORD } },
    },
    responses: {
      200: {
        description: 'The new token. With USER_SERIALIZER, also the user.',
        schema: 'KnoxToken',
        examples: { meg: { expiry: '2026-11-25T18:30:00.000000Z', token: KNOX_KEY } },
      },
      400: invalid({
        empty: { username: REQUIRED, password: REQUIRED },
        wrong: { non_field_errors: [UNABLE_TO_LOG_IN] },
      }),
      401: detail(
        'The token in the header is not valid, or the name and the password in it are wrong.',
        { unknown: 'Invalid token.' },
        ['WWW-Authenticate'],
      ),
      403: {
        description: 'The user has as many tokens as TOKEN_LIMIT_PER_USER allows.',
        schema: 'KnoxError',
        examples: { limit: { error: TOKEN_LIMIT_EXCEEDED } },
      },
    },
  },
  async handle(c, { data }) {
    const login = await obtainToken(c, { ...data, setsLastLogin: true });
    if (!login.ok) return sendsBasic(c) ? inBasicWords(login.error) : asInvalidData(login.error);
    return tokenResponse(c, tokenBody(c, login.value.token, login.value.username), 200);
  },
});

const inBasicWords = (failure: Failure) =>
  err<Failure>(
    failure.kind === 'invalid-credentials'
      ? { kind: 'basic-authentication-failed', reason: 'invalid-credentials' }
      : failure,
  );
