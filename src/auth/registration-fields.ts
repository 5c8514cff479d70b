/**
 * Fields of the host's own at registration. The rows that the host inserts for them are part of the
 * batch that inserts the user: all or nothing.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ok, type Result } from '../lib/result.ts';
import { notUniqueColumn } from '../store/d1-errors.ts';
import type { ValidationFailure } from '../validation/failure.ts';
import type { Fields } from '../validation/parsers.ts';
import { validateOwnFields } from '../validation/standard-schema.ts';
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

/** The options for one database. Its types do not depend on those of the fields. */
export type RegistrationFields = {
  validate: (sent: Fields) => Promise<Result<OwnFields, ValidationFailure>>;
  retrieve: ((user: User) => Promise<object | null | undefined>) | undefined;
  schema: StandardSchemaV1;
  jsonSchema: object | undefined;
};

export const registrationFields = <Input, Output>(
  { schema, statements, retrieve, jsonSchema }: RegistrationOptions<Input, Output>,
  db: D1Database,
): RegistrationFields => ({
  async validate(sent) {
    const fields = await validateOwnFields(schema, sent);
    if (!fields.ok) return fields;
    return ok({
      statements: (user) => statements(user, fields.value, db),
      failureOf(error) {
        const column = notUniqueColumn(error);
        const isField = column !== undefined && Object.hasOwn(Object(fields.value), column);
        return isField ? notUnique(column) : undefined;
      },
    });
  },
  retrieve: retrieve && ((user) => retrieve(user, db)),
  schema,
  jsonSchema,
});

/** rest_framework/validators.py, `UniqueValidator`. The constraint decides, so there is no race. */
const notUnique = (column: string): ValidationFailure => ({
  kind: 'validation-error',
  errors: { [column]: ['This field must be unique.'] },
});
