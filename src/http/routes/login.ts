import { normalizeEmailForComparison } from '../../auth/account-mail.ts';
import { type Credentials, type Login, type LoginFailure, logIn } from '../../auth/login.ts';
import { err, type Result } from '../../lib/result.ts';
import { normalizeUsername } from '../../validation/normal-form.ts';
import { AuthTokenSchema, withEmailAsUsername } from '../../validation/schemas.ts';
import { body } from '../body.ts';
import type { AppContext } from '../context.ts';
import { type Failure, UNABLE_TO_LOG_IN } from '../errors.ts';
import { invalid } from '../openapi/description.ts';
import { KEY, PASSWORD, REQUIRED, USERNAME } from '../openapi/examples.ts';
import { limitLogin } from '../rate-limit.ts';
import { anyone, route } from '../route.ts';
import { runAfterResponse } from '../run-after-response.ts';
import { audit } from '../security-log.ts';
import { loginResponse } from '../token-response.ts';

const request = {
  name: 'AuthTokenRequest',
  examples: { meg: { username: USERNAME, password: PASSWORD } },
};

export const login = route('POST /login', {
  access: anyone('login-address'),
  body: body(AuthTokenSchema, withEmailAsUsername),
  description: {
    operationId: 'login',
    summary: 'Log in',
    description:
      'Returns the token of the user. Each login returns the same token. With TOKEN_MODEL = "knox.AuthToken", each login returns a new token. If the body has an `email` and no `username`, the address is used as the username.',
    tag: 'Without a token',
    request: {
      name: 'LoginRequest',
      emailAsUsername: true,
      examples: { ...request.examples, byEmail: { email: USERNAME, password: PASSWORD } },
    },
    responses: {
      200: {
        description: 'The token of the user.',
        schema: 'Login',
        examples: { meg: { valid: true, token: KEY }, byEmail: { valid: true, token: KEY } },
      },
      400: invalid({ empty: { username: REQUIRED, password: REQUIRED } }),
      401: {
        description: 'The username or password is wrong, or the user is inactive.',
        schema: 'LoginFailed',
        examples: { wrong: { valid: false, detail: UNABLE_TO_LOG_IN } },
      },
    },
  },
  async handle(c, { data }) {
    const login = await obtainToken(c, data);
    if (!login.ok) return login;
    return loginResponse(c, login.value.token, { valid: true }, 200);
  },
});

/** rest_framework/authtoken/views.py, `ObtainAuthToken`. */
export const obtainAuthToken = route('POST /api-token-auth', {
  access: anyone('login-address'),
  body: body(AuthTokenSchema),
  description: {
    operationId: 'obtainAuthToken',
    summary: 'Log in with DRF’s responses',
    description: 'Responds as `obtain_auth_token` of Django REST Framework does.',
    tag: 'Without a token',
    request,
    responses: {
      200: {
        description: 'The token of the user.',
        schema: 'Token',
        examples: { meg: { token: KEY } },
      },
      400: invalid({
        empty: { username: REQUIRED, password: REQUIRED },
        wrong: { non_field_errors: [UNABLE_TO_LOG_IN] },
      }),
    },
  },
  async handle(c, { data }) {
    const login = await obtainToken(c, data);
    if (!login.ok) return asInvalidData(login.error);
    return loginResponse(c, login.value.token, {}, 200);
  },
});

/** In DRF the serializer checks the credentials, so wrong credentials are a validation error. */
export const asInvalidData = (failure: Failure) =>
  err<Failure>(
    failure.kind === 'invalid-credentials'
      ? { kind: 'validation-error', errors: { non_field_errors: [UNABLE_TO_LOG_IN] } }
      : failure,
  );

/** Logs in. */
export async function obtainToken(
  c: AppContext,
  data: Credentials,
): Promise<Result<Pick<Login, 'token' | 'username'>, Failure>> {
  const credentials = { ...data, username: normalizeUsername(data.username) };
  const { username, email = '' } = credentials;
  const address = email === '' ? '' : normalizeEmailForComparison(email);
  for (const name of [username, address].filter(Boolean)) {
    const allowed = await limitLogin(c, name);
    if (!allowed.ok) return allowed;
  }
  const loggedIn = await logIn(c.var, credentials);
  if (!loggedIn.ok) {
    auditFailure(c, loggedIn.error);
    return loggedIn;
  }
  const { userId, upgradeHash, forgetFailures, removeExpired } = loggedIn.value;
  audit(c, { event: 'login-succeeded', user_id: userId });
  if (forgetFailures) runAfterResponse(c, forgetFailures);
  if (upgradeHash) {
    runAfterResponse(c, async () => {
      if (await upgradeHash()) audit(c, { event: 'hash-upgraded', user_id: userId });
    });
  }
  if (removeExpired) runAfterResponse(c, removeExpired);
  return loggedIn;
}

function auditFailure(c: AppContext, failure: LoginFailure): void {
  const user_id = failure.userId;
  if (failure.kind === 'throttled')
    audit(c, { event: 'throttled', scope: 'password-failures', user_id });
  else if (failure.kind === 'token-limit-exceeded')
    audit(c, { event: 'login-failed', reason: failure.kind, user_id });
  else audit(c, { event: 'login-failed', reason: failure.reason, user_id });
}
