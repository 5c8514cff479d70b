/** A user, for staff. */
import { DeleteSchema } from '../../../validation/schemas.ts';
import { StaffEditSchema } from '../../../validation/staff.ts';
import { idOf } from '../../act-on-user.ts';
import { body, noBody } from '../../body.ts';
import { detail, invalid } from '../../openapi/description.ts';
import { PASSWORD, REQUIRED, USERNAME, WRONG_PASSWORD } from '../../openapi/examples.ts';
import { audit } from '../../security-log.ts';
import { changeProfile, deleteUser } from '../me.ts';
import { staff, staffTo } from './access.ts';
import { NOT_FOUND, NOT_STAFF, REFUSED, SEEN } from './descriptions.ts';
import { adminRoute } from './route.ts';
import { SEEN_USER } from './schemas.ts';
import { userResponse } from './user-response.ts';

export const retrieveUser = adminRoute('GET /admin/api/users/:id{[0-9]+}', {
  access: staff,
  body: noBody,
  description: {
    operationId: 'adminUser',
    summary: 'Get a user',
    description:
      '`acts` has what the caller may do. There is no password, and no key of the token.',
    responses: { ...SEEN, ...NOT_STAFF, ...NOT_FOUND },
  },
  handle: (c, { user }) => userResponse(c, user, idOf(c)),
});

export const updateUser = adminRoute('PATCH /admin/api/users/:id{[0-9]+}', {
  access: staffTo('edit'),
  body: body(StaffEditSchema),
  description: {
    operationId: 'adminUpdateUser',
    summary: 'Change names and address of a user',
    description:
      'Sets the fields of the body. A new username or address requires the password of the caller as `current_password`. A new address does not have to be verified.',
    request: {
      name: 'StaffEditRequest',
      examples: { address: { email: USERNAME, current_password: PASSWORD } },
    },
    responses: {
      200: { description: 'The user after the change.', schema: SEEN_USER },
      400: invalid({
        misspelt: { email: ['Enter a valid email address.'] },
        unproven: { current_password: REQUIRED },
        wrong: WRONG_PASSWORD,
      }),
      ...REFUSED,
      ...NOT_FOUND,
    },
  },
  async handle(c, { data: { current_password, ...changes }, target, ...caller }) {
    const options = { target, isByStaff: true };
    const updated = await changeProfile(c, caller, changes, current_password, options);
    if (!updated.ok) return updated;
    const { first_name, last_name } = updated.value;
    if (first_name !== target.first_name || last_name !== target.last_name) {
      audit(c, { event: 'names-changed', user_id: target.id }, caller.user.id);
    }
    return userResponse(c, caller.user, target.id);
  },
});

export const destroyUser = adminRoute('DELETE /admin/api/users/:id{[0-9]+}', {
  access: staffTo('delete'),
  body: body(DeleteSchema),
  description: {
    operationId: 'adminDestroyUser',
    summary: 'Delete a user',
    description: 'Deletes the user and its token. The password is that of the caller.',
    request: { name: 'DeleteRequest', examples: { meg: { current_password: PASSWORD } } },
    responses: {
      204: { description: 'The user and its token are deleted.' },
      400: invalid({
        empty: { current_password: REQUIRED },
        wrong: WRONG_PASSWORD,
      }),
      ...REFUSED,
      ...NOT_FOUND,
      409: detail('Rows of other tables refer to this user, or it is the last superuser.', {
        referenced: 'This user cannot be deleted: other records refer to it.',
      }),
    },
  },
  async handle(c, { data, target, ...caller }) {
    const deleted = await deleteUser(c, caller, data.current_password, target);
    return deleted.ok ? c.body(null, 204) : deleted;
  },
});
