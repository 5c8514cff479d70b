import { obtainToken } from '../auth/users.ts';
import { parseBody } from '../validation/parsers.ts';
import { AuthTokenSerializer, validate, withEmailAsUsername } from '../validation/serializers.ts';
import type { AppContext } from './context.ts';
import { fail } from './failure.ts';
import { tokenAnswer } from './token-answer.ts';

/** `POST /login` → 200 `{"valid": true, "token"}`, the same token each time. */
export async function login(c: AppContext) {
  const body = await parseBody(c.req.raw);
  if (!body.ok) return fail(c, body.error);
  const credentials = validate(AuthTokenSerializer, withEmailAsUsername(body.value));
  if (!credentials.ok) return fail(c, credentials.error);
  const { store, settings } = c.var;
  const waitUntil = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  const token = await obtainToken(store, settings, credentials.value, waitUntil);
  if (!token.ok) return fail(c, token.error);
  return tokenAnswer(c, { valid: true, token: token.value }, 200);
}
