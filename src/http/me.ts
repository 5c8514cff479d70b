import { deleteOwnAccount, updateOwnProfile } from '../auth/own-account.ts';
import type { Authenticated } from '../auth/tokens.ts';
import type { User } from '../auth/users.ts';
import { ok } from '../result.ts';
import { DeleteSerializer, ProfileSerializer } from '../validation/serializers.ts';
import { audit } from './audit.ts';
import type { AppContext, Body } from './context.ts';
import { fail } from './failure.ts';
import { notify } from './mailing.ts';
import { limitAddress, limitCurrentPassword } from './rate-limit.ts';
import { readBody } from './read-body.ts';

/** `GET /me` → 200 `{id, username, first_name, last_name, email}` of the token's user. */
export const retrieveMe = (c: AppContext, { user }: Authenticated) =>
  c.json(toRepresentation(user), 200);

/** `PATCH /me` → 200, as `GET` (rest_framework/mixins.py, `partial_update`). */
export async function updateMe(
  c: AppContext<Body<typeof ProfileSerializer>>,
  { user }: Authenticated,
) {
  const changes = await readBody(c, user, ProfileSerializer);
  if (!changes.ok) return fail(c, changes.error);
  // A change of address sends a notice to the old one.
  const isNotified = c.var.mail !== undefined && changes.value.email !== undefined;
  const allowed = isNotified ? await limitAddress(c, 'mail-address', user.id) : ok(undefined);
  if (!allowed.ok) return fail(c, allowed.error);
  const updated = await updateOwnProfile(c.var, user, changes.value);
  if (!updated) return fail(c, { kind: 'authentication-failed', reason: 'user-inactive' });
  if (updated.email !== user.email) {
    audit(c, { event: 'email-changed', user_id: user.id });
    notify(c, 'emailChanged', user);
  }
  return c.json(toRepresentation(updated), 200);
}

/** `DELETE /me` → 204. User and token are gone. */
export async function deleteMe(
  c: AppContext<Body<typeof DeleteSerializer>>,
  { user }: Authenticated,
) {
  const confirmation = await readBody(c, user, DeleteSerializer);
  if (!confirmation.ok) return fail(c, confirmation.error);
  const allowed = await limitCurrentPassword(c, user);
  if (!allowed.ok) return fail(c, allowed.error);
  const deleted = await deleteOwnAccount(c.var, user, confirmation.value.current_password);
  const event = deleted.ok ? 'account-deleted' : 'account-deletion-refused';
  audit(c, { event, user_id: user.id });
  return deleted.ok ? c.body(null, 204) : fail(c, deleted.error);
}

const toRepresentation = ({ id, username, first_name, last_name, email }: User) => ({
  id,
  username,
  first_name,
  last_name,
  email,
});
