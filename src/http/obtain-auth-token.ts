import { obtainToken } from '../auth/users.ts';
import { parseBody } from '../validation/parsers.ts';
import { AuthTokenSerializer, validate } from '../validation/serializers.ts';
import type { AppContext } from './context.ts';
import { fail, UNABLE_TO_LOG_IN } from './failure.ts';
import { tokenAnswer } from './token-answer.ts';

/** `POST /api-token-auth` → 200 `{"token"}` (rest_framework/authtoken/views.py, `ObtainAuthToken`). */
export async function obtainAuthToken(c: AppContext) {
  const body = await parseBody(c.req.raw);
  if (!body.ok) return fail(c, body.error);
  const credentials = validate(AuthTokenSerializer, body.value);
  if (!credentials.ok) return fail(c, credentials.error);
  const { store, settings } = c.var;
  const waitUntil = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  const token = await obtainToken(store, settings, credentials.value, waitUntil);
  // To the serializer that checks them here, wrong credentials are invalid data.
  if (!token.ok)
    return fail(c, { kind: 'invalid', errors: { non_field_errors: [UNABLE_TO_LOG_IN] } });
  return tokenAnswer(c, { token: token.value }, 200);
}
