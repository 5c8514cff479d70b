/**
 * Checks and describes the fields of one's own at registration by a Standard Schema (standardschema.dev):
 * valibot, zod, arktype and others.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { err, ok, type Result } from '../lib/result.ts';
import { RegistrationSchema } from './dj-rest-auth.ts';
import { UserCreateRetypeSchema } from './djoser.ts';
import type { ValidationFailure } from './failure.ts';
import { REQUIRED } from './fields.ts';
import type { Fields } from './parsers.ts';
import { errorsOf, RegisterSchema } from './schemas.ts';

/**
 * The fields of all registrations. The schema does not get them, so that no password reaches the host.
 * It is a function, so that a bundler leaves it out of an app that does not call it.
 */
const ourFields = () => ({
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
  const ours = ourFields();
  const own = Object.fromEntries(
    Object.entries(sent).filter(([name]) => !Object.hasOwn(ours, name)),
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

/** The keywords of an object's JSON Schema that are added to those of the service's own fields. */
export type OwnSchema = { properties: Record<string, object>; required: string[] };

/**
 * Describes the fields, as far as the schema can: if it is a Standard JSON Schema too.
 *
 * @param version of OpenAPI. 3.1 has JSON Schema 2020-12
 * @param given used instead of asking the schema
 */
export function ownSchema(
  schema: StandardSchemaV1,
  direction: keyof StandardJSONSchemaV1.Converter,
  version: string,
  given: object | undefined,
): OwnSchema {
  const target = version.startsWith('3.0') ? 'openapi-3.0' : 'draft-2020-12';
  const { properties = {}, required = [] }: Partial<OwnSchema> =
    given ?? converted(schema, direction, target) ?? {};
  return { properties, required };
}

/** Undefined if the schema is no Standard JSON Schema, or has a type that JSON Schema does not have. */
function converted(
  schema: StandardSchemaV1,
  direction: keyof StandardJSONSchemaV1.Converter,
  target: StandardJSONSchemaV1.Target,
): object | undefined {
  const standard: Partial<StandardJSONSchemaV1.Props> = schema['~standard'];
  try {
    return standard.jsonSchema?.[direction]({ target });
  } catch {
    return undefined;
  }
}
