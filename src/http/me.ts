import {
  changesEmail,
  deleteOwnAccount,
  updateOwnEmail,
  updateOwnProfile,
} from '../auth/own-account.ts';
import type { Authenticated } from '../auth/tokens.ts';
import type { User } from '../auth/users.ts';
import { err, type Result } from '../result.ts';
import type { ProfileChanges } from '../store/users.ts';
import { REQUIRED } from '../validation/fields.ts';
import { DeleteSerializer, ProfileSerializer } from '../validation/serializers.ts';
import { audit } from './audit.ts';
import type { AppContext, Body } from './context.ts';
import { type Failure, fail } from './failure.ts';
import { notify } from './mailing.ts';
import { limitCurrentPassword } from './rate-limit.ts';
import { readBody } from './read-body.ts';

/** `GET /me` → 200 `{id, username, first_name, last_name, email}` of the token's user. */
export const retrieveMe = (c: AppContext, { user }: Authenticated) => userAnswer(c, user);

/** `PATCH /me` → 200, as `GET` (rest_framework/mixins.py, `partial_update`). */
export async function updateMe(
  c: AppContext<Body<typeof ProfileSerializer>>,
  { user }: Authenticated,
) {
  const body = await readBody(c, user, ProfileSerializer);
  if (!body.ok) return fail(c, body.error);
  const { current_password, ...changes } = body.value;
  const updated = await update(c, user, changes, current_password);
  if (!updated.ok) return fail(c, updated.error);
  if (changesEmail(user, updated.value)) {
    audit(c, { event: 'email-changed', user_id: user.id });
    notify(c, 'emailChanged', user);
  }
  return userAnswer(c, updated.value);
}

/**
 * Sets what is given. If e-mail can be sent, another address needs the current password, and
 * without one no address is written: links to it take over the account.
 */
async function update(
  c: AppContext,
  user: User,
  { email, ...names }: ProfileChanges,
  currentPassword: string | undefined,
): Promise<Result<User, Failure>> {
  const changes = { ...names, email };
  if (!c.var.mail) return updateOwnProfile(c.var, user, changes);
  if (!changesEmail(user, changes)) return updateOwnProfile(c.var, user, names);
  if (currentPassword === undefined) {
    return err({ kind: 'invalid', errors: { current_password: [REQUIRED] } });
  }
  const allowed = await limitCurrentPassword(c, user);
  if (!allowed.ok) return allowed;
  const updated = await updateOwnEmail(c.var, user, changes, currentPassword);
  if (!updated.ok) audit(c, { event: 'email-change-refused', user_id: user.id });
  return updated;
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

/** A user's personal data, which no cache may keep (RFC 9111 §5.2.2.5). */
const userAnswer = (c: AppContext, { id, username, first_name, last_name, email }: User) =>
  c.json({ id, username, first_name, last_name, email }, 200, { 'Cache-Control': 'no-store' });
