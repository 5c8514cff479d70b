/** The JSON schemas of the responses for staff. */
import { object, text } from '../../openapi/components.ts';

const flag = { type: 'boolean' };

/** A user in the list for staff. */
const listedUser = {
  id: { type: 'integer' },
  username: text,
  first_name: text,
  last_name: text,
  email: text,
  is_active: flag,
  is_staff: flag,
  is_superuser: flag,
  date_joined: text,
  last_login: { description: 'A string. Null if no login is stored.' },
  has_usable_password: flag,
};

export const STAFF_USER_LIST = {
  name: 'StaffUserList',
  schema: object({
    users: { type: 'array', items: object(listedUser) },
    next: { description: 'A string. Null on the last page.' },
  }),
};

export const SEEN_USER = {
  name: 'SeenUser',
  schema: object({
    ...listedUser,
    token_created: { description: 'A string. Null if the user has no token.' },
    acts: { type: 'array', items: text },
  }),
};

export const CHECKS = {
  name: 'Checks',
  schema: object({ checks: { type: 'array', items: object({ level: text, text }) } }),
};
