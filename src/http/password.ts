import { changeOwnPassword } from '../auth/own-account.ts';
import type { Authenticated } from '../auth/tokens.ts';
import { PasswordSerializer } from '../validation/serializers.ts';
import { audit } from './audit.ts';
import type { AppContext, Body } from './context.ts';
import { fail } from './failure.ts';
import { notify } from './mailing.ts';
import { limitCurrentPassword } from './rate-limit.ts';
import { readBody } from './read-body.ts';
import { tokenAnswer } from './token-answer.ts';

/** `POST /password` → 200 `{"token"}`, a new one: the old one is dead. */
export async function password(
  c: AppContext<Body<typeof PasswordSerializer>>,
  { user }: Authenticated,
) {
  const change = await readBody(c, user, PasswordSerializer);
  if (!change.ok) return fail(c, change.error);
  const allowed = await limitCurrentPassword(c, user);
  if (!allowed.ok) return fail(c, allowed.error);
  const token = await changeOwnPassword(c.var, user, change.value);
  audit(c, { event: token.ok ? 'password-changed' : 'password-change-refused', user_id: user.id });
  if (!token.ok) return fail(c, token.error);
  notify(c, 'passwordChanged', user);
  return tokenAnswer(c, { token: token.value }, 200);
}
