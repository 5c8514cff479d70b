import type { Description } from '../../openapi/description.ts';
import { detail, invalid } from '../../openapi/description.ts';
import { PASSWORD, REQUIRED, USERNAME, WRONG_PASSWORD } from '../../openapi/examples.ts';
import { SERIALIZED_MEG } from './user-response.ts';

type Described = Pick<Description, 'request' | 'responses'>;

export const RETRIEVED = {
  200: { description: 'The user.', schema: 'DjoserUser', examples: { meg: SERIALIZED_MEG } },
} as const;

/** `update` and `partial_update`. No field is required, so PUT and PATCH are equal. */
export const UPDATED = {
  request: {
    name: 'DjoserUserRequest',
    examples: { address: { email: USERNAME, current_password: PASSWORD } },
  },
  responses: {
    200: {
      description: 'The user after the change.',
      schema: 'DjoserUser',
      examples: { address: { ...SERIALIZED_MEG, email: USERNAME } },
    },
    400: invalid({ misspelt: { email: ['Enter a valid email address.'] } }),
  },
} as const satisfies Described;

export const DESTROYED = {
  request: { name: 'CurrentPasswordRequest', examples: { meg: { current_password: PASSWORD } } },
  responses: {
    204: { description: 'The user and its token are deleted.' },
    400: invalid({ empty: { current_password: REQUIRED }, wrong: WRONG_PASSWORD }),
    409: detail('Rows of other tables refer to this user. Nothing was deleted.', {
      referenced: 'This user cannot be deleted: other records refer to it.',
    }),
  },
} as const satisfies Described;

export const UPDATE =
  'Sets the e-mail address. The other fields are read-only. If e-mail is configured, a new address requires `current_password`, unless EMAIL_CHANGE_REQUIRES_PASSWORD = "false". With EMAIL_VERIFICATION = "required", the user must activate the account with a link to the new address.';
