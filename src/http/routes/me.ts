import {
  changesEmail,
  deleteOwnAccount,
  updateOwnEmail,
  updateOwnProfile,
} from '../../auth/own-account.ts';
import type { Authenticated } from '../../auth/tokens.ts';
import type { User } from '../../auth/users.ts';
import { err, type Result } from '../../lib/result.ts';
import type { ProfileChanges } from '../../store/users.ts';
import { REQUIRED } from '../../validation/fields.ts';
import { DeleteSerializer, ProfileSerializer } from '../../validation/schemas.ts';
import type { AppContext, Body } from '../context.ts';
import { type Failure, fail } from '../errors.ts';
import { notify } from '../notifications.ts';
import { limitCurrentPassword } from '../rate-limit.ts';
import { readBody } from '../read-body.ts';
import { audit, auditRefusal } from '../security-log.ts';

/** `GET /me` → 200 `{id, username, first_name, last_name, email}` of the token's user. */
export const retrieveMe = (c: AppContext, { user }: Authenticated) => userAnswer(c, user);

/** `PATCH /me` → 200, as `GET` (rest_framework/mixins.py, `partial_update`). */
export async function updateMe(
  c: AppContext<Body<typeof ProfileSerializer>>,
  authenticated: Authenticated,
) {
  const { user } = authenticated;
  const body = await readBody(c, user, ProfileSerializer);
  if (!body.ok) return fail(c, body.error);
  const { current_password, ...changes } = body.value;
  const updated = await update(c, authenticated, changes, current_password);
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
  authenticated: Authenticated,
  { email, ...names }: ProfileChanges,
  currentPassword: string | undefined,
): Promise<Result<User, Failure>> {
  const { user } = authenticated;
  const changes = { ...names, email };
  if (!c.var.mail) return updateOwnProfile(c.var, user, changes);
  if (!changesEmail(user, changes)) return updateOwnProfile(c.var, user, names);
  if (currentPassword === undefined) {
    return err({ kind: 'invalid', errors: { current_password: [REQUIRED] } });
  }
  const allowed = await limitCurrentPassword(c, user);
  if (!allowed.ok) return allowed;
  const updated = await updateOwnEmail(c.var, authenticated, changes, currentPassword);
  if (!updated.ok) auditRefusal(c, updated.error, 'email-change-refused', user.id);
  return updated;
}

/** `DELETE /me` → 204. User and token are gone. */
export async function deleteMe(
  c: AppContext<Body<typeof DeleteSerializer>>,
  authenticated: Authenticated,
) {
  const { user } = authenticated;
  const confirmation = await readBody(c, user, DeleteSerializer);
  if (!confirmation.ok) return fail(c, confirmation.error);
  const allowed = await limitCurrentPassword(c, user);
  if (!allowed.ok) return fail(c, allowed.error);
  const { current_password } = confirmation.value;
  const deleted = await deleteOwnAccount(c.var, authenticated, current_password);
  if (!deleted.ok) {
    auditRefusal(c, deleted.error, 'account-deletion-refused', user.id);
    return fail(c, deleted.error);
  }
  audit(c, { event: 'account-deleted', user_id: user.id });
  return c.body(null, 204);
}

/** A user's personal data, which no cache may keep (RFC 9111 §5.2.2.5). */
const userAnswer = (c: AppContext, { id, username, first_name, last_name, email }: User) =>
  c.json({ id, username, first_name, last_name, email }, 200, { 'Cache-Control': 'no-store' });
