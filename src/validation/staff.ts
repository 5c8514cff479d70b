/** The bodies of the routes for staff. Fields that are not here, such as `password`, are ignored. */
import * as v from 'valibot';
import * as fields from './fields.ts';

/** Each field is optional. The password is that of the caller. */
export const StaffEditSchema = v.object({
  username: v.optional(fields.username),
  first_name: v.optional(fields.name),
  last_name: v.optional(fields.name),
  email: v.optional(fields.email),
  current_password: v.optional(fields.passwordToVerify),
});

/** The values for a boolean: JSON has booleans, and a form has strings. */
const BOOLEANS = new Map<unknown, boolean>([
  [true, true],
  ['true', true],
  ['True', true],
  [false, false],
  ['false', false],
  ['False', false],
]);

/** rest_framework/fields.py, `BooleanField`, without its short forms such as `t` and `1`. */
const boolean = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, boolean>(({ dataset, addIssue, NEVER }) => {
    const { value } = dataset;
    const read = BOOLEANS.get(value);
    if (read !== undefined) return read;
    addIssue({ message: value === null ? fields.NULL : 'Must be a valid boolean.' });
    return NEVER;
  }),
  v.metadata({ type: 'boolean' }),
);

export const RightsSchema = v.object(
  {
    is_staff: boolean,
    is_superuser: boolean,
    current_password: fields.passwordToVerify,
  },
  fields.REQUIRED,
);
