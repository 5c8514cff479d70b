import { logIn } from '../auth/login.ts';
import { normalizeUsername } from '../auth/users.ts';
import { logFault } from '../log-fault.ts';
import { ok, type Result } from '../result.ts';
import { type Fields, parseBody } from '../validation/parsers.ts';
import { AuthTokenSerializer, validate, withEmailAsUsername } from '../validation/serializers.ts';
import { audit } from './audit.ts';
import type { AppContext, Body } from './context.ts';
import { type Failure, fail, UNABLE_TO_LOG_IN } from './failure.ts';
import { throttleLogin } from './throttle.ts';
import { tokenAnswer } from './token-answer.ts';

/** `POST /login` → 200 `{"valid": true, "token"}`, the same token each time. */
export async function login(c: AppContext<Body<typeof AuthTokenSerializer>>) {
  const body = await parseBody(c.req.raw);
  if (!body.ok) return fail(c, body.error);
  const token = await obtainToken(c, withEmailAsUsername(body.value));
  if (!token.ok) return fail(c, token.error);
  return tokenAnswer(c, { valid: true, token: token.value }, 200);
}

/** `POST /api-token-auth` → 200 `{"token"}` (rest_framework/authtoken/views.py, `ObtainAuthToken`). */
export async function obtainAuthToken(c: AppContext<Body<typeof AuthTokenSerializer>>) {
  const body = await parseBody(c.req.raw);
  if (!body.ok) return fail(c, body.error);
  const token = await obtainToken(c, body.value);
  if (!token.ok) return fail(c, asInvalidData(token.error));
  return tokenAnswer(c, { token: token.value }, 200);
}

/** To DRF's serializer, which checks them, wrong credentials are invalid data. */
const asInvalidData = (failure: Failure): Failure =>
  failure.kind === 'invalid-credentials'
    ? { kind: 'invalid', errors: { non_field_errors: [UNABLE_TO_LOG_IN] } }
    : failure;

/** The token's key for a body of credentials. */
async function obtainToken(c: AppContext, data: Fields): Promise<Result<string, Failure>> {
  const credentials = validate(AuthTokenSerializer, data);
  if (!credentials.ok) return credentials;
  const allowed = await throttleLogin(c, normalizeUsername(credentials.value.username));
  if (!allowed.ok) return allowed;
  const loggedIn = await logIn(c.var, credentials.value);
  if (!loggedIn.ok) {
    const { reason, userId } = loggedIn.error;
    audit(c, { event: 'login-failed', reason, user_id: userId });
    return loggedIn;
  }
  const { key, userId, upgradeHash } = loggedIn.value;
  audit(c, { event: 'login-succeeded', user_id: userId });
  if (upgradeHash) c.executionCtx.waitUntil(upgrade(c, userId, upgradeHash));
  return ok(key);
}

async function upgrade(c: AppContext, userId: number, upgradeHash: () => Promise<boolean>) {
  try {
    if (await upgradeHash()) audit(c, { event: 'hash-upgraded', user_id: userId });
  } catch (error) {
    // The next login tries again; nobody waits for this one.
    logFault(error);
  }
}
