import { registerUser } from '../auth/users.ts';
import { parseBody } from '../validation/parsers.ts';
import { RegisterSerializer, validate, withEmailAsUsername } from '../validation/serializers.ts';
import type { AppContext } from './context.ts';
import { fail } from './failure.ts';
import { tokenAnswer } from './token-answer.ts';

/** `POST /register` → 201 `{"token"}`. */
export async function register(c: AppContext) {
  const body = await parseBody(c.req.raw);
  if (!body.ok) return fail(c, body.error);
  const registration = validate(RegisterSerializer, withEmailAsUsername(body.value));
  if (!registration.ok) return fail(c, registration.error);
  const token = await registerUser(c.var.store, c.var.settings, registration.value);
  if (!token.ok) return fail(c, token.error);
  return tokenAnswer(c, { token: token.value }, 201);
}
