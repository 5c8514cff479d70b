/**
 * Checks the fields of one's own at registration by a Standard Schema (standardschema.dev): valibot,
 * zod, arktype and others.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { err, ok, type Result } from '../lib/result.ts';
import { RegistrationSchema } from './dj-rest-auth.ts';
import { UserCreateRetypeSchema } from './djoser.ts';
import type { ValidationFailure } from './failure.ts';
import { REQUIRED } from './fields.ts';
import type { Fields } from './parsers.ts';
import { errorsOf, RegisterSchema } from './schemas.ts';

/** The fields of all registrations. The schema does not get them, so that no password reaches the host. */
const OUR_FIELDS = Object.keys({
  ...RegisterSchema.entries,
  ...UserCreateRetypeSchema.entries,
  ...RegistrationSchema.entries,
});

/**
 * Returns the output of the schema, or its issues as DRF's errors. A missing field has DRF's message;
 * the other messages are those of the schema.
 */
export async function validateOwnFields<Output>(
  { '~standard': standard }: StandardSchemaV1<unknown, Output>,
  sent: Fields,
): Promise<Result<Output, ValidationFailure>> {
  const own = Object.fromEntries(
    Object.entries(sent).filter(([name]) => !OUR_FIELDS.includes(name)),
  );
  const result = await standard.validate(own);
  if (!result.issues) return ok(result.value);
  return err({
    kind: 'validation-error',
    errors: errorsOf(result.issues, (issue, field) =>
      issue.path?.length === 1 && !Object.hasOwn(own, field) ? REQUIRED : issue.message,
    ),
  });
}
