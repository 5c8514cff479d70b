import { type Credentials, type LoginFailure, logIn } from '../../auth/login.ts';
import { normalizeUsername } from '../../auth/users.ts';
import { ok, type Result } from '../../lib/result.ts';
import { AuthTokenSerializer, withEmailAsUsername } from '../../validation/schemas.ts';
import type { AppContext, Body } from '../context.ts';
import { type Failure, fail, UNABLE_TO_LOG_IN } from '../errors.ts';
import { limitLogin } from '../rate-limit.ts';
import { readBody } from '../read-body.ts';
import { afterAnswer } from '../run-after-response.ts';
import { audit } from '../security-log.ts';
import { tokenAnswer } from '../token-response.ts';

/** `POST /login` → 200 `{"valid": true, "token"}`, the same token each time. */
export async function login(c: AppContext<Body<typeof AuthTokenSerializer>>) {
  const credentials = await readBody(c, 'login-address', AuthTokenSerializer, withEmailAsUsername);
  if (!credentials.ok) return fail(c, credentials.error);
  const token = await obtainToken(c, credentials.value);
  if (!token.ok) return fail(c, token.error);
  return tokenAnswer(c, { valid: true, token: token.value }, 200);
}

/**
 * `POST /api-token-auth` → 200 `{"token"}` (rest_framework/authtoken/views.py, `ObtainAuthToken`).
 */
export async function obtainAuthToken(c: AppContext<Body<typeof AuthTokenSerializer>>) {
  const credentials = await readBody(c, 'login-address', AuthTokenSerializer);
  if (!credentials.ok) return fail(c, credentials.error);
  const token = await obtainToken(c, credentials.value);
  if (!token.ok) return fail(c, asInvalidData(token.error));
  return tokenAnswer(c, { token: token.value }, 200);
}

/** DRF's serializer checks the credentials. So wrong ones are invalid data to it. */
const asInvalidData = (failure: Failure): Failure =>
  failure.kind === 'invalid-credentials'
    ? { kind: 'invalid', errors: { non_field_errors: [UNABLE_TO_LOG_IN] } }
    : failure;

/** Logs in. @returns the token's key */
async function obtainToken(c: AppContext, typed: Credentials): Promise<Result<string, Failure>> {
  const credentials = { ...typed, username: normalizeUsername(typed.username) };
  const allowed = await limitLogin(c, credentials.username);
  if (!allowed.ok) return allowed;
  const loggedIn = await logIn(c.var, credentials);
  if (!loggedIn.ok) {
    auditFailure(c, loggedIn.error);
    return loggedIn;
  }
  const { key, userId, upgradeHash, forgetFailures } = loggedIn.value;
  audit(c, { event: 'login-succeeded', user_id: userId });
  if (forgetFailures) afterAnswer(c, forgetFailures);
  if (upgradeHash) {
    afterAnswer(c, async () => {
      if (await upgradeHash()) audit(c, { event: 'hash-upgraded', user_id: userId });
    });
  }
  return ok(key);
}

function auditFailure(c: AppContext, failure: LoginFailure): void {
  const user_id = failure.userId;
  if (failure.kind === 'throttled')
    audit(c, { event: 'throttled', scope: 'password-failures', user_id });
  else audit(c, { event: 'login-failed', reason: failure.reason, user_id });
}
