/** The acts of staff on a user. */

import { writePasswordResets } from '../../../auth/password-reset.ts';
import {
  activateUser,
  deactivateUser,
  endSessions,
  findUser,
  getsResetLink,
  setUserRights,
} from '../../../auth/staff.ts';
import { err } from '../../../lib/result.ts';
import { RightsSchema } from '../../../validation/staff.ts';
import { body, noBody } from '../../body.ts';
import { linkServices, sendAfterResponse } from '../../notifications.ts';
import { detail, invalid } from '../../openapi/description.ts';
import { PASSWORD, REQUIRED, WRONG_PASSWORD } from '../../openapi/examples.ts';
import { limitAddress, limitCurrentPassword } from '../../rate-limit.ts';
import { audit, auditRefusal } from '../../security-log.ts';
import { staffTo } from './access.ts';
import { NOT_FOUND, REFUSED } from './descriptions.ts';
import { adminRoute } from './route.ts';
import { SEEN_USER } from './schemas.ts';
import { userResponse } from './user-response.ts';

const AFTER = { 200: { description: 'The user after the change.', schema: SEEN_USER } } as const;

const ONE_STAYS =
  'If superusers do this to each other at the same time, the last one gets 409, so that one stays.';

export const activate = adminRoute('POST /admin/api/users/:id{[0-9]+}/activate', {
  access: staffTo('activate'),
  body: noBody,
  description: {
    operationId: 'adminActivate',
    summary: 'Activate a user',
    description: 'The user can log in again. A token that was not deleted works again.',
    responses: { ...AFTER, ...REFUSED, ...NOT_FOUND },
  },
  async handle(c, { user, target }) {
    await activateUser(c.var, target);
    audit(c, { event: 'activated', user_id: target.id }, user.id);
    return userResponse(c, user, target.id);
  },
});

export const deactivate = adminRoute('POST /admin/api/users/:id{[0-9]+}/deactivate', {
  access: staffTo('deactivate'),
  body: noBody,
  description: {
    operationId: 'adminDeactivate',
    summary: 'Deactivate a user',
    description: `The user cannot log in, and its tokens are refused. Nothing is deleted. ${ONE_STAYS}`,
    responses: { ...AFTER, ...REFUSED, ...NOT_FOUND },
  },
  async handle(c, { user, target }) {
    const deactivated = await deactivateUser(c.var, target);
    if (!deactivated.ok) return deactivated;
    audit(c, { event: 'deactivated', user_id: target.id }, user.id);
    return userResponse(c, user, target.id);
  },
});

export const endUserSessions = adminRoute('POST /admin/api/users/:id{[0-9]+}/end_sessions', {
  access: staffTo('end_sessions'),
  body: noBody,
  description: {
    operationId: 'adminEndSessions',
    summary: 'End the sessions of a user',
    description: 'Deletes all tokens. The user can log in again and gets a new one.',
    responses: { ...AFTER, ...REFUSED, ...NOT_FOUND },
  },
  async handle(c, { user, target }) {
    await endSessions(c.var, target);
    audit(c, { event: 'sessions-ended', user_id: target.id }, user.id);
    return userResponse(c, user, target.id);
  },
});

const toReset = staffTo('reset_password');

const NO_RESET_LINK = 'The user is inactive, or has no e-mail address or no usable password.';

export const resetPassword = adminRoute('POST /admin/api/users/:id{[0-9]+}/reset_password', {
  access: { ...toReset, isEnabled: ({ mail }) => mail !== undefined },
  body: noBody,
  description: {
    operationId: 'adminResetPassword',
    summary: 'Send a user a link to choose a new password',
    description:
      'Only if e-mail is configured. The message is the one of `/users/reset_password`, and is sent after the response.',
    responses: {
      204: { description: 'The message will be sent.' },
      ...REFUSED,
      ...NOT_FOUND,
      409: detail('The user can get no link.', {
        unreachable: NO_RESET_LINK,
      }),
    },
  },
  async handle(c, { user, target }) {
    const seen = await findUser(c.var, target.id);
    if (!seen || !getsResetLink(seen)) return err({ kind: 'conflict', detail: NO_RESET_LINK });
    const allowed = await limitAddress(c, 'mail-address', target.id);
    if (!allowed.ok) return allowed;
    const services = linkServices(c, 'passwordReset');
    const { email, username } = seen;
    sendAfterResponse(c, 'passwordReset', services.mail, () =>
      writePasswordResets(c.var, { email, username }, services),
    );
    audit(c, { event: 'reset-link-requested', user_id: target.id }, user.id);
    return c.body(null, 204);
  },
});

export const setRights = adminRoute('PUT /admin/api/users/:id{[0-9]+}/rights', {
  access: staffTo('set_rights'),
  body: body(RightsSchema),
  description: {
    operationId: 'adminSetRights',
    summary: 'Set the rights of a user',
    description: `For superusers. A superuser is staff too. The password is that of the caller. ${ONE_STAYS}`,
    request: {
      name: 'RightsRequest',
      examples: { rights: { is_staff: true, is_superuser: false, current_password: PASSWORD } },
    },
    responses: {
      ...AFTER,
      400: invalid({
        empty: { is_staff: REQUIRED, is_superuser: REQUIRED, current_password: REQUIRED },
        wrong: WRONG_PASSWORD,
      }),
      ...REFUSED,
      ...NOT_FOUND,
    },
  },
  async handle(c, { data: { current_password, ...rights }, target, ...caller }) {
    const { user } = caller;
    const allowed = await limitCurrentPassword(c, user);
    if (!allowed.ok) return allowed;
    const set = await setUserRights(c.var, caller, target, rights, current_password);
    if (!set.ok) {
      auditRefusal(c, set.error, 'rights-change-refused', target.id, user.id);
      return set;
    }
    audit(c, { event: 'rights-changed', user_id: target.id, ...set.value }, user.id);
    return userResponse(c, user, target.id);
  },
});
