import { changePassword } from '../auth/account.ts';
import { parseBody } from '../validation/parsers.ts';
import { PasswordSerializer, validate } from '../validation/serializers.ts';
import { audit } from './audit.ts';
import type { AuthenticatedContext, Body } from './context.ts';
import { fail } from './failure.ts';
import { throttleLogin } from './throttle.ts';
import { tokenAnswer } from './token-answer.ts';

/** `POST /password` → 200 `{"token"}`, a new one: the old one is dead. */
export async function password(c: AuthenticatedContext<Body<typeof PasswordSerializer>>) {
  const { user } = c.var;
  const body = await parseBody(c.req.raw);
  if (!body.ok) return fail(c, body.error);
  const change = validate(PasswordSerializer, body.value);
  if (!change.ok) return fail(c, change.error);
  const allowed = await throttleLogin(c, user.username, user.id);
  if (!allowed.ok) return fail(c, allowed.error);
  const token = await changePassword(c.var, user, change.value);
  audit(c, { event: token.ok ? 'password-changed' : 'password-change-refused', user_id: user.id });
  if (!token.ok) return fail(c, token.error);
  return tokenAnswer(c, { token: token.value }, 200);
}
