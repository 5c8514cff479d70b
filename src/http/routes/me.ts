import {
  changesEmail,
  deleteAccount,
  type ProfileChanges,
  updateEmail,
  updateProfile,
} from '../../auth/own-account.ts';
import { deleteUserAsStaff } from '../../auth/staff.ts';
import type { Authenticated } from '../../auth/tokens.ts';
import type { User } from '../../auth/users.ts';
import { err, type Result } from '../../lib/result.ts';
import { REQUIRED as REQUIRED_FIELD } from '../../validation/fields.ts';
import { DeleteSchema, ProfileSchema } from '../../validation/schemas.ts';
import { body, noBody } from '../body.ts';
import type { AppContext } from '../context.ts';
import type { Failure } from '../errors.ts';
import { NO_STORE } from '../no-store.ts';
import { notify } from '../notifications.ts';
import { type Description, detail, invalid } from '../openapi/description.ts';
import { MEG, PASSWORD, REQUIRED, USERNAME, WRONG_PASSWORD } from '../openapi/examples.ts';
import { limitCurrentPassword } from '../rate-limit.ts';
import { authenticated, route } from '../route.ts';
import { audit, auditRefusal } from '../security-log.ts';

export const retrieveMe = route('GET /me', {
  access: authenticated,
  body: noBody,
  description: {
    operationId: 'retrieveMe',
    summary: 'Get the user of the token',
    description: 'Has no password. The response must not be cached.',
    tag: 'With a token',
    responses: {
      200: { description: 'The user of the token.', schema: 'User', examples: { meg: MEG } },
    },
  },
  handle: (c, { user }) => userResponse(c, user),
});

/** rest_framework/mixins.py, `UpdateModelMixin`. No field is required, so PUT and PATCH are equal. */
const UPDATE = {
  description:
    'Sets the fields of the body. The other fields do not change. If e-mail is configured, a new address requires `current_password`.',
  tag: 'With a token',
  request: {
    name: 'ProfileRequest',
    examples: { address: { email: USERNAME, current_password: PASSWORD } },
  },
  responses: {
    200: {
      description: 'The user after the change.',
      schema: 'User',
      examples: { address: { ...MEG, email: USERNAME } },
    },
    400: invalid({
      misspelt: { email: ['Enter a valid email address.'] },
      unproven: { current_password: REQUIRED },
      wrong: WRONG_PASSWORD,
    }),
  },
} satisfies Partial<Description>;

export const updateMe = route('PATCH /me', {
  access: authenticated,
  body: body(ProfileSchema),
  description: {
    ...UPDATE,
    operationId: 'updateMe',
    summary: 'Change names and e-mail address',
  },
  handle: update,
});

/** Off by default: a recorded response to PUT is 405. */
export const replaceMe = route('PUT /me', {
  access: { ...authenticated, isEnabled: ({ settings }) => settings.allowPutMe },
  body: body(ProfileSchema),
  description: {
    ...UPDATE,
    operationId: 'replaceMe',
    summary: 'Change names and e-mail address, as PATCH does',
  },
  handle: update,
});

type Update = ProfileChanges & { current_password?: string | undefined };

async function update(
  c: AppContext,
  { data: { current_password, ...changes }, ...authenticated }: Authenticated & { data: Update },
) {
  const updated = await changeProfile(c, authenticated, changes, current_password);
  return updated.ok ? userResponse(c, updated.value) : updated;
}

export type ProfileOptions = NonNullable<Parameters<typeof updateEmail>[4]> & {
  /** Whether a new username or address always requires the current password. */
  isByStaff?: boolean;
};

/** Sets the given fields, and notifies the user of a new username or address. */
export async function changeProfile(
  c: AppContext,
  authenticated: Authenticated,
  changes: ProfileChanges,
  currentPassword: string | undefined,
  options: ProfileOptions = {},
): Promise<Result<User, Failure>> {
  const { target = authenticated.user } = options;
  const updated = await setProfile(c, authenticated, changes, currentPassword, options);
  if (!updated.ok) return updated;
  const { id: user_id } = target;
  const by = byAnother(authenticated, target);
  if (changesEmail(target, updated.value)) {
    audit(c, { event: 'email-changed', user_id }, by);
    notify(c, 'emailChanged', target);
  }
  if (updated.value.username !== target.username) {
    audit(c, { event: 'username-changed', user_id }, by);
    notify(c, 'usernameChanged', { ...target, username: updated.value.username });
  }
  return updated;
}

/** The id of the caller, if the target is another user. */
export const byAnother = ({ user }: Authenticated, target: { id: number }): number | undefined =>
  user.id === target.id ? undefined : user.id;

/**
 * Sets the given fields. If e-mail is configured, a new address requires the current password.
 * Without the password, no address is written: links to the address can take over the account.
 */
async function setProfile(
  c: AppContext,
  authenticated: Authenticated,
  { email, ...names }: ProfileChanges,
  currentPassword: string | undefined,
  { isByStaff = false, ...options }: ProfileOptions,
): Promise<Result<User, Failure>> {
  const { mail, settings } = c.var;
  const { target = authenticated.user } = options;
  const changes = { ...names, email };
  if (!mail && !isByStaff) return updateProfile(c.var, target, changes, options);
  const { username = target.username } = names;
  if (!changesEmail(target, changes) && username === target.username) {
    return updateProfile(c.var, target, options.keepsDomain ? changes : names, options);
  }
  if (!isByStaff && !settings.emailChangeRequiresPassword) {
    return updateProfile(c.var, target, changes, options);
  }
  if (currentPassword === undefined) {
    return err({ kind: 'validation-error', errors: { current_password: [REQUIRED_FIELD] } });
  }
  const allowed = await limitCurrentPassword(c, authenticated.user);
  if (!allowed.ok) return allowed;
  const updated = await updateEmail(c.var, authenticated, changes, currentPassword, options);
  if (!updated.ok) {
    const by = byAnother(authenticated, target);
    const event = changesEmail(target, changes)
      ? 'email-change-refused'
      : 'username-change-refused';
    auditRefusal(c, updated.error, event, target.id, by);
  }
  return updated;
}

export const deleteMe = route('DELETE /me', {
  access: authenticated,
  body: body(DeleteSchema),
  description: {
    operationId: 'deleteMe',
    summary: 'Delete the account',
    description:
      'Deletes the user and its token in one transaction. The foreign keys of other tables decide what ' +
      'happens to their rows.',
    tag: 'With a token',
    request: { name: 'DeleteRequest', examples: { meg: { current_password: PASSWORD } } },
    responses: {
      204: { description: 'The user and its token are deleted.' },
      400: invalid({ empty: { current_password: REQUIRED }, wrong: WRONG_PASSWORD }),
      409: detail('The foreign key of another table does not allow it. Nothing was deleted.', {
        referenced: 'This user cannot be deleted: other records refer to it.',
      }),
    },
  },
  async handle(c, { data, ...authenticated }) {
    const deleted = await deleteUser(c, authenticated, data.current_password);
    return deleted.ok ? c.body(null, 204) : deleted;
  },
});

/** @param target the user to delete, who can be another one. The password is that of the caller */
export async function deleteUser(
  c: AppContext,
  authenticated: Authenticated,
  currentPassword: string,
  target = authenticated.user,
): Promise<Result<undefined, Failure>> {
  const allowed = await limitCurrentPassword(c, authenticated.user);
  if (!allowed.ok) return allowed;
  const by = byAnother(authenticated, target);
  const deleted =
    by === undefined
      ? await deleteAccount(c.var, authenticated, currentPassword)
      : await deleteUserAsStaff(c.var, authenticated, target, currentPassword);
  if (deleted.ok) audit(c, { event: 'account-deleted', user_id: target.id }, by);
  else auditRefusal(c, deleted.error, 'account-deletion-refused', target.id, by);
  return deleted;
}

/** Personal data, so it must not be cached (RFC 9111 §5.2.2.5). */
export async function userResponse(c: AppContext, user: User) {
  const { id, username, first_name, last_name, email } = user;
  const own = await ownFieldsOf(c, user);
  const body = { ...own, id, username, first_name, last_name, email };
  return c.json(body, 200, NO_STORE);
}

/** The fields of the host's own that it shows of a user (`registration.retrieve` of createApp). */
export const ownFieldsOf = async (c: AppContext, user: User): Promise<object> =>
  (await c.var.registration?.retrieve?.(user)) ?? {};
