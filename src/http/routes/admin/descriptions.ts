import { PERMISSION_DENIED } from '../../errors.ts';
import { detail } from '../../openapi/description.ts';
import { MEG } from '../../openapi/examples.ts';
import { SEEN_USER } from './schemas.ts';

/** Meg is the superuser who calls. */
export const LISTED_MEG = {
  ...MEG,
  is_active: true,
  is_staff: true,
  is_superuser: true,
  date_joined: '2026-11-25 08:30:00.000000',
  last_login: null,
  has_usable_password: true,
};

export const SEEN = {
  200: {
    description: 'The user.',
    schema: SEEN_USER,
    examples: {
      boss: {
        ...LISTED_MEG,
        token_created: '2026-11-25 08:30:00.000000',
        acts: ['edit', 'end_sessions'],
      },
    },
  },
} as const;

export const NOT_STAFF = {
  403: detail('The caller is not staff.', { learner: PERMISSION_DENIED }),
};

export const REFUSED = {
  403: detail(
    'The caller is not staff, or the user has rights and the caller is no superuser, or the act would lock the caller out.',
    { learner: PERMISSION_DENIED },
  ),
};

export const NOT_FOUND = {
  404: detail('There is no such user.', { nobody: 'Not found.' }),
};
