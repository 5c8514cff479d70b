import { deleteAccount, updateProfile } from '../auth/account.ts';
import type { User } from '../auth/tokens.ts';
import { parseBody } from '../validation/parsers.ts';
import { DeleteSerializer, ProfileSerializer, validate } from '../validation/serializers.ts';
import { audit } from './audit.ts';
import type { AuthenticatedContext, Body } from './context.ts';
import { fail } from './failure.ts';
import { throttleLogin } from './throttle.ts';

/** `GET /me` → 200 `{id, username, first_name, last_name, email}` of the token's user. */
export function retrieveMe(c: AuthenticatedContext) {
  // Not `c.var`, which is built anew at each reading: this is what every bench asks for.
  return c.json(toRepresentation(c.get('user')), 200);
}

/** `PATCH /me` → 200, as `GET` (rest_framework/mixins.py, `partial_update`). */
export async function updateMe(c: AuthenticatedContext<Body<typeof ProfileSerializer>>) {
  const body = await parseBody(c.req.raw);
  if (!body.ok) return fail(c, body.error);
  const changes = validate(ProfileSerializer, body.value);
  if (!changes.ok) return fail(c, changes.error);
  const user = await updateProfile(c.var, c.var.user, changes.value);
  if (!user) return fail(c, { kind: 'authentication-failed', reason: 'user-inactive' });
  return c.json(toRepresentation(user), 200);
}

/** `DELETE /me` → 204. User and token are gone. */
export async function deleteMe(c: AuthenticatedContext<Body<typeof DeleteSerializer>>) {
  const { user } = c.var;
  const body = await parseBody(c.req.raw);
  if (!body.ok) return fail(c, body.error);
  const confirmation = validate(DeleteSerializer, body.value);
  if (!confirmation.ok) return fail(c, confirmation.error);
  const allowed = await throttleLogin(c, user.username, user.id);
  if (!allowed.ok) return fail(c, allowed.error);
  const deleted = await deleteAccount(c.var, user, confirmation.value.current_password);
  audit(c, {
    event: deleted.ok ? 'account-deleted' : 'account-deletion-refused',
    user_id: user.id,
  });
  return deleted.ok ? c.body(null, 204) : fail(c, deleted.error);
}

const toRepresentation = ({ id, username, first_name, last_name, email }: User) => ({
  id,
  username,
  first_name,
  last_name,
  email,
});
