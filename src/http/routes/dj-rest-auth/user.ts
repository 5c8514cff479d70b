import { type ProfileChanges, updateProfile } from '../../../auth/own-account.ts';
import type { Authenticated } from '../../../auth/tokens.ts';
import type { User } from '../../../auth/users.ts';
import { ok } from '../../../lib/result.ts';
import { PartialUserDetailsSchema, UserDetailsSchema } from '../../../validation/dj-rest-auth.ts';
import { body, noBody } from '../../body.ts';
import type { AppContext } from '../../context.ts';
import { NO_STORE } from '../../no-store.ts';
import { invalid } from '../../openapi/description.ts';
import { MEG, REQUIRED } from '../../openapi/examples.ts';
import { limitAddress } from '../../rate-limit.ts';
import { authenticated } from '../../route.ts';
import { audit } from '../../security-log.ts';
import { ownFieldsOf } from '../me.ts';
import { djRestAuthRoute } from './route.ts';

const { id: pk, ...details } = MEG;
const retrieved = {
  description: 'The user of the token.',
  schema: 'UserDetails',
  examples: { meg: { pk, ...details } },
} as const;

const RENAMED = { username: 'meg' };
const updated = { ...retrieved, examples: { meg: { pk, ...details, ...RENAMED } } };

export const retrieveUser = djRestAuthRoute('GET /user', {
  access: authenticated,
  body: noBody,
  description: {
    operationId: 'djRestAuthUser',
    summary: 'Get the user of the token',
    description: 'Has no password. The response must not be cached.',
    responses: { 200: retrieved },
  },
  handle: (c, { user }) => userResponse(c, user),
});

/** rest_framework/mixins.py, `update`. */
export const updateUser = djRestAuthRoute('PUT /user', {
  access: authenticated,
  body: body(UserDetailsSchema),
  description: {
    operationId: 'djRestAuthUpdateUser',
    summary: 'Change username and names',
    description: 'Missing names do not change. `email` is read-only.',
    request: { name: 'UserDetailsRequest', examples: { meg: RENAMED } },
    responses: { 200: updated, 400: invalid({ empty: { username: REQUIRED } }) },
  },
  handle: (c, { data, ...authenticated }) => update(c, authenticated, data),
});

/** rest_framework/mixins.py, `partial_update`. */
export const partialUpdateUser = djRestAuthRoute('PATCH /user', {
  access: authenticated,
  body: body(PartialUserDetailsSchema),
  description: {
    operationId: 'djRestAuthPartialUpdateUser',
    summary: 'Change username and names',
    description: 'Missing fields do not change. `email` is read-only.',
    request: { name: 'PartialUserDetailsRequest', examples: { meg: RENAMED } },
    responses: {
      200: updated,
      400: invalid({ blank: { username: ['This field may not be blank.'] } }),
    },
  },
  handle: (c, { data, ...authenticated }) => update(c, authenticated, data),
});

/**
 * `UserDetailsSerializer` sets no address, so no password is required. A new username is limited as
 * a registration is, because both reveal whether a username exists.
 */
async function update(
  c: AppContext,
  { user }: Authenticated,
  changes: Omit<ProfileChanges, 'email'>,
) {
  const { username = user.username } = changes;
  const isRenamed = username !== user.username;
  const allowed = isRenamed ? await limitAddress(c, 'register', user.id) : ok(undefined);
  if (!allowed.ok) return allowed;
  const updated = await updateProfile(c.var, user, changes);
  if (!updated.ok) return updated;
  if (isRenamed) audit(c, { event: 'username-changed', user_id: user.id });
  return userResponse(c, updated.value);
}

/** Personal data, so it must not be cached (RFC 9111 §5.2.2.5). */
async function userResponse(c: AppContext, user: User) {
  const { id, username, email, first_name, last_name } = user;
  const own = await ownFieldsOf(c, user);
  const body = { ...own, pk: id, username, email, first_name, last_name };
  return c.json(body, 200, NO_STORE);
}
