import { bodyLimit } from 'hono/body-limit';
import type { GenericSchema, InferOutput } from 'valibot';
import type { User } from '../auth/users.ts';
import { err, type Result } from '../result.ts';
import type { ParseFailure, ValidationFailure } from '../validation/failure.ts';
import { type Fields, parseBody } from '../validation/parsers.ts';
import { validate } from '../validation/serializers.ts';
import type { AppContext } from './context.ts';
import { type AddressScope, limitAddress, type RateLimited } from './rate-limit.ts';

/** A registration needs at most 30 KB: 4,096 characters of password, escaped in JSON. */
const MAX_BODY_BYTES = 64 * 1024;

type BodyFailure = RateLimited | { kind: 'body-too-large' } | ParseFailure | ValidationFailure;

/**
 * Parses the request's body and checks its fields.
 *
 * @param sender the user of a valid token; on a route that needs no token, the rate limit by
 *   address. It is asked before the body is read, so that a refused request costs nothing more.
 * @param prepare changes the fields before they are checked
 */
export async function readBody<TSchema extends GenericSchema>(
  c: AppContext,
  sender: User | AddressScope,
  serializer: TSchema,
  prepare = (fields: Fields): Fields => fields,
): Promise<Result<InferOutput<TSchema>, BodyFailure>> {
  const allowed = typeof sender === 'string' ? await limitAddress(c, sender) : undefined;
  if (allowed?.ok === false) return allowed;
  try {
    if (await tooLarge(c, async () => {})) return err({ kind: 'body-too-large' });
  } catch {
    // The client closed the connection while hono/body-limit read a body without `Content-Length`.
    return err({ kind: 'parse-error', reason: 'incomplete' });
  }
  const body = await parseBody(c.req.raw);
  return body.ok ? validate(serializer, prepare(body.value)) : body;
}

/** A response if the body is too large. It bounds a body without a `Content-Length`, too. */
const tooLarge = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => c.body(null, 413) });
