/** The user of the token (djoser/views.py, `UserViewSet.me`). */
import type { Authenticated } from '../../../auth/tokens.ts';
import type { User } from '../../../auth/users.ts';
import { CurrentPasswordSchema } from '../../../validation/djoser.ts';
import { body, noBody } from '../../body.ts';
import type { AppContext } from '../../context.ts';
import { NO_STORE } from '../../no-store.ts';
import { authenticated } from '../../route.ts';
import { deleteUser, ownFieldsOf } from '../me.ts';
import { DESTROYED, RETRIEVED, UPDATE, UPDATED } from './descriptions.ts';
import { djoserRoute } from './route.ts';
import { type Update, update, updateBody } from './update.ts';
import { serializeUser } from './user-response.ts';

export const retrieveMe = djoserRoute('GET /users/me', {
  access: authenticated,
  body: noBody,
  description: {
    operationId: 'djoserMe',
    summary: 'Get the user of the token',
    description: 'Has no password and no names.',
    responses: RETRIEVED,
  },
  handle: (c, { user }) => ownUserResponse(c, user),
});

export const updateMe = djoserRoute('PUT /users/me', {
  access: authenticated,
  body: updateBody,
  description: {
    ...UPDATED,
    operationId: 'djoserUpdateMe',
    summary: 'Change the e-mail address',
    description: UPDATE,
  },
  handle: updateOwn,
});

export const partialUpdateMe = djoserRoute('PATCH /users/me', {
  access: authenticated,
  body: updateBody,
  description: {
    ...UPDATED,
    operationId: 'djoserPartialUpdateMe',
    summary: 'Change the e-mail address',
    description: UPDATE,
  },
  handle: updateOwn,
});

export const destroyMe = djoserRoute('DELETE /users/me', {
  access: authenticated,
  body: body(CurrentPasswordSchema),
  description: {
    ...DESTROYED,
    operationId: 'djoserDestroyMe',
    summary: 'Delete the account',
    description: 'Deletes the user and its token in one transaction.',
  },
  async handle(c, { data, ...authenticated }) {
    const deleted = await deleteUser(c, authenticated, data.current_password);
    return deleted.ok ? c.body(null, 204) : deleted;
  },
});

async function updateOwn(
  c: AppContext,
  { data, ...authenticated }: Authenticated & { data: Update },
) {
  const updated = await update(c, authenticated, authenticated.user, data);
  return updated.ok ? ownUserResponse(c, updated.value) : updated;
}

/** With the fields of the host. */
const ownUserResponse = async (c: AppContext, user: User) =>
  c.json({ ...(await ownFieldsOf(c, user)), ...serializeUser(user) }, 200, NO_STORE);
