import type { GenericSchema, InferOutput } from 'valibot';
import type { Result } from '../result.ts';
import type { ParseFailure, ValidationFailure } from '../validation/failure.ts';
import { type Fields, parseBody } from '../validation/parsers.ts';
import { validate } from '../validation/serializers.ts';
import type { AppContext } from './context.ts';

/**
 * Parses the request's body and checks its fields.
 *
 * @param prepare changes the fields before they are checked
 */
export async function readBody<TSchema extends GenericSchema>(
  c: AppContext,
  serializer: TSchema,
  prepare = (fields: Fields): Fields => fields,
): Promise<Result<InferOutput<TSchema>, ParseFailure | ValidationFailure>> {
  const body = await parseBody(c.req.raw);
  return body.ok ? validate(serializer, prepare(body.value)) : body;
}
