/**
 * Fields of the host's own at registration. The rows that the host inserts for them are part of the
 * batch that inserts the user: all or nothing.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { err, type Result } from '../lib/result.ts';
import { notUniqueColumn } from '../store/d1-errors.ts';
import type { ParseFailure, ValidationFailure } from '../validation/failure.ts';
import { type Fields, parseBody } from '../validation/parsers.ts';
import { type OwnSchema, ownSchema, validateOwnFields } from '../validation/standard-schema.ts';
import type { User } from './users.ts';

/** A user who is being registered. The database has not given it an id yet. */
export type RegisteringUser = Omit<User, 'id'>;

/**
 * @template Input the fields that a client sends
 * @template Output the fields after validation
 */
export type RegistrationOptions<Input, Output> = {
  /** Checks the fields of the body that are not those of the service. */
  schema: StandardSchemaV1<Input, Output>;
  /**
   * The JSON Schema of the fields, for the OpenAPI document. By default the schema itself is asked, if it
   * is a Standard JSON Schema too.
   */
  jsonSchema?: object;
  /**
   * Returns statements of `db` that run after the insertion of the user and its token, in the same D1
   * batch. The user has no id yet: find it by its username, which is unique.
   *
   * @example
   * (user, { nickname }, db) => [
   *   db
   *     .prepare('INSERT INTO profile (user_id, nickname) SELECT id, ? FROM auth_user WHERE username = ?')
   *     .bind(nickname, user.username),
   * ]
   */
  statements: (user: RegisteringUser, fields: Output, db: D1Database) => D1PreparedStatement[];
  /**
   * Reads fields that `/me` shows, and the routes of djoser and dj-rest-auth for the same. It costs each of
   * these requests one more round trip. A user who was not registered here may have none.
   */
  retrieve?: (user: User, db: D1Database) => Promise<Partial<Output> | null | undefined>;
};

/** The validated fields of one registration. */
export type OwnFields = {
  statements: (user: RegisteringUser) => D1PreparedStatement[];
  /** The failure for an error of the batch; undefined if the fields are not its cause. */
  failureOf: (error: unknown) => ValidationFailure | undefined;
};

/** The validated fields of the service, or the errors of all fields, and the fields of the host. */
export type WithOwnFields<Data> = { validated: Result<Data, ValidationFailure>; own?: OwnFields };

/** The option `registration` of createApp. `registrationFields` creates it. */
export type RegistrationFields<Input, Output> = {
  schema: StandardSchemaV1<Input, Output>;
  on: (db: D1Database) => OwnRegistration;
};

/** The fields of the host for one database. Its types do not depend on those of the fields. */
export type OwnRegistration = {
  /** Parses a body a second time, because the schema gets numbers as numbers. */
  parse: (request: Request) => Promise<Result<Fields, ParseFailure | ValidationFailure>>;
  /** Adds the fields that were sent to those of the service, or their errors to the others. */
  addFields: <Data>(
    validated: Result<Data, ValidationFailure>,
    sent: Fields,
  ) => Promise<WithOwnFields<Data>>;
  retrieve: ((user: User) => Promise<object | null | undefined>) | undefined;
  /** The fields that a registration takes, and those that `/me` may show, for a version of OpenAPI. */
  describe: (version: string) => { sent: OwnSchema; shown: OwnSchema['properties'] };
};

/**
 * Adds fields to the registration. Only an app that calls it has its code in the bundle.
 *
 * @example
 * createApp({
 *   registration: registrationFields({
 *     schema: v.object({ nickname: v.string() }),
 *     statements: (user, { nickname }, db) => [
 *       db
 *         .prepare('INSERT INTO profile (user_id, nickname) SELECT id, ? FROM auth_user WHERE username = ?')
 *         .bind(nickname, user.username),
 *     ],
 *   }),
 * });
 */
export const registrationFields = <Input, Output>({
  schema,
  statements,
  retrieve,
  jsonSchema,
}: RegistrationOptions<Input, Output>): RegistrationFields<Input, Output> => ({
  schema,
  on: (db) => ({
    parse: (request) => parseBody(request, (_, value) => value),
    async addFields(validated, sent) {
      const fields = await validateOwnFields(schema, sent);
      if (validated.ok && fields.ok) {
        const own: OwnFields = {
          statements: (user) => statements(user, fields.value, db),
          failureOf: (error) => notUnique(fields.value, error),
        };
        return { validated, own };
      }
      const errors = [validated, fields].map((result) => (result.ok ? {} : result.error.errors));
      const failure = { kind: 'validation-error' as const, errors: Object.assign({}, ...errors) };
      return { validated: err(failure) };
    },
    retrieve: retrieve && ((user) => retrieve(user, db)),
    describe: (version) => ({
      sent: ownSchema(schema, 'input', version, jsonSchema),
      shown: retrieve ? ownSchema(schema, 'output', version, jsonSchema).properties : {},
    }),
  }),
});

/** rest_framework/validators.py, `UniqueValidator`. The constraint decides, so there is no race. */
function notUnique(fields: unknown, error: unknown): ValidationFailure | undefined {
  const column = notUniqueColumn(error);
  if (column === undefined || !Object.hasOwn(Object(fields), column)) return undefined;
  return { kind: 'validation-error', errors: { [column]: ['This field must be unique.'] } };
}
