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

export const RightsSchema = v.object(
  {
    is_staff: fields.boolean,
    is_superuser: fields.boolean,
    current_password: fields.passwordToVerify,
  },
  fields.REQUIRED,
);
