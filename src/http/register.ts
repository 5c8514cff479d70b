import { registerUser } from '../auth/register.ts';
import { RegisterSerializer, withEmailAsUsername } from '../validation/serializers.ts';
import { audit } from './audit.ts';
import type { AppContext, Body } from './context.ts';
import { fail } from './failure.ts';
import { readBody } from './read-body.ts';
import { throttleRegister } from './throttle.ts';
import { tokenAnswer } from './token-answer.ts';

/** `POST /register` → 201 `{"token"}`. */
export async function register(c: AppContext<Body<typeof RegisterSerializer>>) {
  const registration = await readBody(c, RegisterSerializer, withEmailAsUsername);
  if (!registration.ok) return fail(c, registration.error);
  const allowed = await throttleRegister(c);
  if (!allowed.ok) return fail(c, allowed.error);
  const registered = await registerUser(c.var, registration.value);
  if (!registered.ok) return fail(c, registered.error);
  audit(c, { event: 'registered', user_id: registered.value.id });
  return tokenAnswer(c, { token: registered.value.key }, 201);
}
