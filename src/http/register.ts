import { registerUser } from '../auth/users.ts';
import { parseBody } from '../validation/parsers.ts';
import { RegisterSerializer, validate, withEmailAsUsername } from '../validation/serializers.ts';
import { audit } from './audit.ts';
import type { AppContext, Body } from './context.ts';
import { fail } from './failure.ts';
import { throttleRegister } from './throttle.ts';
import { tokenAnswer } from './token-answer.ts';

/** `POST /register` → 201 `{"token"}`. */
export async function register(c: AppContext<Body<typeof RegisterSerializer>>) {
  const body = await parseBody(c.req.raw);
  if (!body.ok) return fail(c, body.error);
  const registration = validate(RegisterSerializer, withEmailAsUsername(body.value));
  if (!registration.ok) return fail(c, registration.error);
  const allowed = await throttleRegister(c);
  if (!allowed.ok) return fail(c, allowed.error);
  const registered = await registerUser(c.var, registration.value);
  if (!registered.ok) return fail(c, registered.error);
  audit(c, { event: 'registered', user_id: registered.value.id });
  return tokenAnswer(c, { token: registered.value.key }, 201);
}
