import type { User } from '../../../auth/users.ts';
import { type Err, err } from '../../../lib/result.ts';
import {
  UserCreateRetypeSchema,
  UserCreateSchema,
  UsernameSchema,
  UserToVerifyRetypeSchema,
  UserToVerifySchema,
} from '../../../validation/djoser.ts';
import type { ValidationFailure } from '../../../validation/failure.ts';
import type { Fields } from '../../../validation/parsers.ts';
import { validate, withEmailAsUsername } from '../../../validation/schemas.ts';
import { noBody, type ObjectSchema, registrationBody } from '../../body.ts';
import type { AppContext } from '../../context.ts';
import { type Failure, USERNAME_TAKEN } from '../../errors.ts';
import { NO_STORE } from '../../no-store.ts';
import { notify } from '../../notifications.ts';
import { invalid } from '../../openapi/description.ts';
import { PASSWORD, REQUIRED, USERNAME } from '../../openapi/examples.ts';
import { anyone, asInViewSet, currentlyAuthenticated } from '../../route.ts';
import { createUser as register } from '../register.ts';
import { djoserRoute } from './route.ts';
import { SERIALIZED_MEG, serializeUser, userResponse } from './user-response.ts';

type UserCreate = { username: string; password: string; email: string; re_password?: string };

/** djoser/views.py, `UserViewSet.perform_create`. */
export const createUser = djoserRoute('POST /users', {
  access: asInViewSet(anyone('register')),
  body: registrationBody(
    ({ emailVerification, userCreatePasswordRetype }): ObjectSchema<unknown, UserCreate> => {
      const [schema, retypeSchema] =
        emailVerification === 'required'
          ? [UserToVerifySchema, UserToVerifyRetypeSchema]
          : [UserCreateSchema, UserCreateRetypeSchema];
      return userCreatePasswordRetype ? retypeSchema : schema;
    },
    (fields, { loginField }) => (loginField === 'email' ? withEmailAsUsername(fields) : fields),
  ),
  description: {
    operationId: 'djoserUserCreate',
    summary: 'Register a user',
    description:
      'The response has no token. With EMAIL_VERIFICATION = "required", `email` is required, and the user must activate the account before the first login.',
    request: {
      name: 'UserCreateRequest',
      takesOwnFields: true,
      examples: { meg: { username: USERNAME, password: PASSWORD, email: USERNAME } },
    },
    responses: {
      201: {
        description: 'The new user.',
        schema: 'DjoserUser',
        examples: { meg: { ...SERIALIZED_MEG, email: USERNAME } },
      },
      400: invalid({
        taken: { username: ['A user with that username already exists.'] },
        empty: { username: REQUIRED, password: REQUIRED },
      }),
    },
  },
  async handle(c, { data: { validated, fields, own } }) {
    if (!validated.ok) return withUsernameError(c, validated.error, fields);
    const { username, password, email, re_password = password } = validated.value;
    if (re_password !== password) return err({ kind: 'password-mismatch' });
    const names = { first_name: '', last_name: '' };
    const registered = await register(c, { username, password, email, ...names, own });
    if (!registered.ok) return registered;
    if (registered.value.is_active) notify(c, 'confirmation', registered.value);
    return userResponse(c, registered.value, 201);
  },
});

/** Adds the error of a taken username to those of other fields (`UniqueValidator`). */
async function withUsernameError(
  c: AppContext,
  failure: ValidationFailure,
  fields: Fields,
): Promise<Err<Failure>> {
  const valid = validate(UsernameSchema, fields);
  const isTaken = valid.ok && (await c.var.store.hasUsername(valid.value.username));
  if (!isTaken) return err(failure);
  return err({ ...failure, errors: { ...failure.errors, username: [USERNAME_TAKEN] } });
}

/** Users in one response. djoser returns all. */
const PAGE_LENGTH = 100;

/** djoser/views.py, `UserViewSet.get_queryset`. */
export const listUsers = djoserRoute('GET /users', {
  access: currentlyAuthenticated,
  body: noBody,
  description: {
    operationId: 'djoserUserList',
    summary: 'List users',
    description:
      'The newest 100 users, ordered by id, for staff, or for everyone with HIDE_USERS = "false". If there are older ones, the response has `Link: <url>; rel="next"`. Other users get a list of themselves.',
    query: {
      search: {
        description: 'The start of a username or of an e-mail address.',
        schema: { type: 'string' },
      },
      before: {
        description: 'An id. Only users with lower ids are in the list.',
        schema: { type: 'integer' },
      },
    },
    responses: {
      200: {
        description: 'The users.',
        schema: 'DjoserUsers',
        examples: { meg: [SERIALIZED_MEG] },
      },
    },
  },
  async handle(c, { user }) {
    if (c.var.settings.hideUsers && !user.is_staff) return listResponse(c, [user]);
    const { search = '', before } = c.req.query();
    // One more than the response has shows whether there are older users.
    const found = await c.var.store.listUsers(parseId(before), search.trim(), PAGE_LENGTH + 1);
    const page = found.slice(-PAGE_LENGTH);
    const [first] = page;
    return listResponse(c, page, found.length > page.length ? first?.id : undefined);
  },
});

/** An id that is not valid counts as missing: DRF ignores unknown parameters, too. */
const parseId = (text = ''): number =>
  /^\d{1,15}$/.test(text) ? Number(text) : Number.MAX_SAFE_INTEGER;

/** @param before the id before which the next page starts; undefined if there is none */
function listResponse(c: AppContext, users: User[], before?: number) {
  const url = new URL(c.req.url);
  url.searchParams.set('before', `${before}`);
  // RFC 8288 §3.
  const link = before === undefined ? {} : { Link: `<${url}>; rel="next"` };
  return c.json(users.map(serializeUser), 200, { ...NO_STORE, ...link });
}
