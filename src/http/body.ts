/** Reads the body of a request: limits its size, parses it and validates its fields. */
import { bodyLimit } from 'hono/body-limit';
import type { GenericSchema } from 'valibot';
import type { WithOwnFields } from '../auth/registration-fields.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Settings } from '../settings.ts';
import type { ParseFailure, ValidationFailure } from '../validation/failure.ts';
import { type Fields, parseBody } from '../validation/parsers.ts';
import { validate } from '../validation/schemas.ts';
import type { AppContext } from './context.ts';
import type { Failure } from './errors.ts';

/** A registration needs at most 30 KB: a password of 4,096 characters, escaped in JSON. */
const MAX_BODY_BYTES = 64 * 1024;

type BodyFailure = ParseFailure | ValidationFailure | { kind: 'body-too-large' };

/** A schema of an object. `wrapped` is the schema of an optional field. */
export type ObjectSchema<Input, Data> = GenericSchema<Input, Data> & {
  entries: Record<string, GenericSchema & { wrapped?: GenericSchema }>;
};

/**
 * @template Input the fields that a client sends
 * @template Data the validated fields that the handler gets
 */
export type BodyReader<Input, Data> = {
  /** Returns the schema for these settings. Undefined for a route that reads no body. */
  schema: ((settings: Settings) => ObjectSchema<Input, unknown>) | undefined;
  read: (c: AppContext) => Promise<Result<Data, Failure>>;
};

/** Changes the fields before they are validated. */
type Prepare = (fields: Fields, settings: Settings) => Fields;

/** For a route that reads no body. */
export const noBody: BodyReader<unknown, undefined> = {
  schema: undefined,
  read: async () => ok(undefined),
};

/**
 * Parses the body and validates its fields.
 *
 * @param schema one for all settings, or a function of the settings
 */
export function body<Input, Data>(
  schema: ObjectSchema<Input, Data> | ((settings: Settings) => ObjectSchema<Input, Data>),
  prepare: Prepare = (fields) => fields,
): BodyReader<Input, Data> {
  const schemaOf = typeof schema === 'function' ? schema : () => schema;
  return {
    schema: schemaOf,
    async read(c) {
      const { settings } = c.var;
      const fields = await parse(c);
      return fields.ok ? validate(schemaOf(settings), prepare(fields.value, settings)) : fields;
    },
  };
}

/** The validated fields or all errors of them, and some fields that are valid on their own. */
export type Checked<Data, Part> = {
  validated: Result<Data, ValidationFailure>;
  part: Part | undefined;
};

/**
 * Does the same, but leaves the errors to the handler, which adds those that depend on the database. DRF
 * checks all fields in one step.
 *
 * @param partSchema the fields that the handler needs for this
 */
export function bodyOrErrors<Input, Data, Part>(
  schemaOf: (settings: Settings) => ObjectSchema<Input, Data>,
  partSchema: ObjectSchema<unknown, Part>,
  prepare: Prepare = (fields) => fields,
): BodyReader<Input, Checked<Data, Part>> {
  return {
    schema: schemaOf,
    async read(c) {
      const { settings } = c.var;
      const parsed = await parse(c);
      if (!parsed.ok) return parsed;
      const fields = prepare(parsed.value, settings);
      const part = validate(partSchema, fields);
      return ok({
        validated: validate(schemaOf(settings), fields),
        part: part.ok ? part.value : undefined,
      });
    },
  };
}

/** The fields of a registration as they were sent, and the validated fields or all errors. */
export type RegistrationData<Data> = WithOwnFields<Data> & { fields: Fields };

/**
 * The body of a registration, which may have fields of the host (`registration` of createApp). The
 * errors of all fields are in one response. It leaves them to the handler, as `bodyOrErrors` does.
 */
export function registrationBody<Input, Data>(
  schemaOf: (settings: Settings) => ObjectSchema<Input, Data>,
  prepare: Prepare = (fields) => fields,
): BodyReader<Input, RegistrationData<Data>> {
  return {
    schema: schemaOf,
    async read(c) {
      const { settings, registration } = c.var;
      const copy = registration && !isRead(c.req.raw) ? c.req.raw.clone() : undefined;
      const parsed = await parse(c);
      if (!parsed.ok) return parsed;
      const fields = prepare(parsed.value, settings);
      const validated = validate(schemaOf(settings), fields);
      if (!registration || !copy) return ok({ fields, validated });
      const sent = await registration.parse(copy);
      if (!sent.ok) return sent;
      return ok({ fields, ...(await registration.addFields(validated, sent.value)) });
    },
  };
}

/** The parent of a mounted app has read the body, and Hono has not cached it. A bug of the parent. */
class BodyAlreadyRead extends Error {
  override name = 'BodyAlreadyRead';
}

const isRead = ({ bodyUsed, body }: Request): boolean => bodyUsed || body?.locked === true;

/** A response if the body is too large. It bounds a body without a `Content-Length`, too. */
const tooLarge = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => c.body(null, 413) });

async function parse(c: AppContext): Promise<Result<Fields, BodyFailure>> {
  if (isRead(c.req.raw)) {
    throw new BodyAlreadyRead(
      'A middleware of the app that this app is mounted in has read the body from c.req.raw. Read it by ' +
        'c.req.json(), text(), formData() or parseBody(), or from c.req.raw.clone().',
    );
  }
  try {
    if (await tooLarge(c, async () => {})) return err({ kind: 'body-too-large' });
  } catch {
    // The client closed the connection while hono/body-limit read a body without `Content-Length`.
    return err({ kind: 'parse-error', reason: 'incomplete' });
  }
  return parseBody(c.req.raw);
}
