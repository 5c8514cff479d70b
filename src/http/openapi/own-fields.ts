/** Describes the fields of the host's own at registration, as far as their schema can. */
import type { StandardJSONSchemaV1 } from '@standard-schema/spec';
import type { RegistrationFields } from '../../auth/registration-fields.ts';

/** The keywords of an object's JSON Schema that are added to those of the service's own fields. */
export type OwnSchema = { properties: Record<string, object>; required: string[] };

type Direction = keyof StandardJSONSchemaV1.Converter;

/** @param version of OpenAPI. 3.1 has JSON Schema 2020-12 */
export function ownSchema(
  registration: RegistrationFields | undefined,
  direction: Direction,
  version: string,
): OwnSchema {
  if (!registration) return { properties: {}, required: [] };
  const target = version.startsWith('3.0') ? 'openapi-3.0' : 'draft-2020-12';
  const schema = registration.jsonSchema ?? converted(registration, direction, target) ?? {};
  const { properties = {}, required = [] }: Partial<OwnSchema> = schema;
  return { properties, required };
}

/** Undefined if the schema is no Standard JSON Schema, or has a type that JSON Schema does not have. */
function converted(
  { schema }: RegistrationFields,
  direction: Direction,
  target: StandardJSONSchemaV1.Target,
): object | undefined {
  const standard: Partial<StandardJSONSchemaV1.Props> = schema['~standard'];
  try {
    return standard.jsonSchema?.[direction]({ target });
  } catch {
    return undefined;
  }
}
