/** A user by its id (djoser/views.py, `UserViewSet`). */
import type { Act } from '../../../auth/staff-permissions.ts';
import { err, ok } from '../../../lib/result.ts';
import { CurrentPasswordSchema } from '../../../validation/djoser.ts';
import { checkAct, findTarget, type OfUser } from '../../act-on-user.ts';
import { body, noBody } from '../../body.ts';
import type { AppContext } from '../../context.ts';
import { type Failure, PERMISSION_DENIED } from '../../errors.ts';
import { detail } from '../../openapi/description.ts';
import { type Access, currentlyAuthenticated } from '../../route.ts';
import { deleteUser } from '../me.ts';
import { DESTROYED, RETRIEVED, UPDATE, UPDATED } from './descriptions.ts';
import { djoserRoute } from './route.ts';
import { type Update, update, updateBody } from './update.ts';
import { userResponse } from './user-response.ts';

/**
 * The user itself, or staff (djoser/permissions.py, `CurrentUserOrAdmin`). DRF looks for the user before it
 * reads the body. Staff has the limits of the staff page (auth/staff.ts).
 *
 * @param act what staff does; undefined for reading, which staff may always do
 * @param refusal the failure for another user
 */
const currentUserOrAdmin = (
  act: Act | undefined,
  refusal: (c: AppContext) => Failure,
): Access<OfUser> => ({
  ...currentlyAuthenticated,
  async identify(c) {
    const caller = await currentlyAuthenticated.identify(c);
    if (!caller.ok) return caller;
    const { user } = caller.value;
    const target = await findTarget(c);
    if (!target) return err({ kind: 'not-found' });
    if (target.id === user.id) return ok({ ...caller.value, target });
    if (!user.is_staff) return err(refusal(c));
    const allowed = act ? checkAct(c, user, target, act) : ok(undefined);
    return allowed.ok ? ok({ ...caller.value, target }) : allowed;
  },
});

/** `UserViewSet.permission_denied`, with `HIDE_USERS`. */
const hidden = (c: AppContext): Failure => ({
  kind: c.var.settings.hideUsers ? 'not-found' : 'permission-denied',
});

const toRead = currentUserOrAdmin(undefined, hidden);
const toUpdate = currentUserOrAdmin('edit', hidden);

/** In djoser, `HIDE_USERS` does not apply to DELETE. */
const toDestroy = currentUserOrAdmin('delete', () => ({ kind: 'permission-denied' }));

const NOT_FOUND = {
  404: detail('There is no such user, or it is another one.', { other: 'Not found.' }),
};

export const retrieveUser = djoserRoute('GET /users/:id{[0-9]+}', {
  access: toRead,
  body: noBody,
  description: {
    operationId: 'djoserUser',
    summary: 'Get a user',
    description: 'The user of the token, or any user for staff.',
    responses: { ...RETRIEVED, ...NOT_FOUND },
  },
  handle: (c, { target }) => userResponse(c, target),
});

export const updateUser = djoserRoute('PUT /users/:id{[0-9]+}', {
  access: toUpdate,
  body: updateBody,
  description: {
    ...UPDATED,
    operationId: 'djoserUpdateUser',
    summary: 'Change the e-mail address of a user',
    description: UPDATE,
    responses: { ...UPDATED.responses, ...NOT_FOUND },
  },
  handle: updateTarget,
});

export const partialUpdateUser = djoserRoute('PATCH /users/:id{[0-9]+}', {
  access: toUpdate,
  body: updateBody,
  description: {
    ...UPDATED,
    operationId: 'djoserPartialUpdateUser',
    summary: 'Change the e-mail address of a user',
    description: UPDATE,
    responses: { ...UPDATED.responses, ...NOT_FOUND },
  },
  handle: updateTarget,
});

export const destroyUser = djoserRoute('DELETE /users/:id{[0-9]+}', {
  access: toDestroy,
  body: body(CurrentPasswordSchema),
  description: {
    ...DESTROYED,
    operationId: 'djoserDestroyUser',
    summary: 'Delete a user',
    description: 'The password is that of the caller, also if staff deletes another user.',
    responses: {
      ...DESTROYED.responses,
      404: detail('There is no such user.', { nobody: 'Not found.' }),
      403: detail('Another user, and the caller is not staff.', {
        other: PERMISSION_DENIED,
      }),
    },
  },
  async handle(c, { data, target, ...authenticated }) {
    const deleted = await deleteUser(c, authenticated, data.current_password, target);
    return deleted.ok ? c.body(null, 204) : deleted;
  },
});

async function updateTarget(
  c: AppContext,
  { data, target, ...authenticated }: OfUser & { data: Update },
) {
  const updated = await update(c, authenticated, target, data);
  return updated.ok ? userResponse(c, updated.value) : updated;
}
