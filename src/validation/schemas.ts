/** The body schemas of the routes. Unknown input becomes typed only here. */
import * as v from 'valibot';
import { err, ok, type Result } from '../lib/result.ts';
import type { ValidationErrors, ValidationFailure } from './failure.ts';
import * as fields from './fields.ts';
import type { Fields } from './parsers.ts';

export const RegisterSchema = v.object(
  {
    username: fields.username,
    password: fields.password,
    first_name: v.optional(fields.name, ''),
    last_name: v.optional(fields.name, ''),
    email: v.optional(fields.email, ''),
  },
  fields.REQUIRED,
);

/** A registration whose address must be verified. */
export const VerifiedRegisterSchema = v.object(
  { ...RegisterSchema.entries, email: fields.requiredEmail },
  fields.REQUIRED,
);

/** rest_framework/authtoken/serializers.py, `AuthTokenSerializer`. */
export const AuthTokenSchema = v.object(
  {
    username: fields.loginUsername,
    password: fields.passwordToVerify,
  },
  fields.REQUIRED,
);

export const PasswordSchema = v.object(
  { current_password: fields.passwordToVerify, new_password: fields.password },
  fields.REQUIRED,
);

/** Changes of a user's own profile. Each field is optional (DRF's `partial=True`). */
export const ProfileSchema = v.object({
  first_name: v.optional(fields.name),
  last_name: v.optional(fields.name),
  email: v.optional(fields.email),
  /**
   * Required to change the address if e-mail can be sent: links to it can take over the account.
   */
  current_password: v.optional(fields.passwordToVerify),
});

/** Requires the password, because a token must not be enough to delete an account. */
export const DeleteSchema = v.object(
  { current_password: fields.passwordToVerify },
  fields.REQUIRED,
);

/**
 * djoser's `SendEmailResetSerializer`, and optionally the username of one account of the address.
 */
export const EmailSchema = v.object(
  { email: fields.lookupEmail, username: v.optional(fields.name, '') },
  fields.REQUIRED,
);

const link = { uid: fields.linkPart, token: fields.linkPart };

/** djoser's `ActivationSerializer`. */
export const ActivationSchema = v.object(link, fields.REQUIRED);

const passwordReset = { ...link, new_password: fields.password };

/** djoser's `PasswordResetConfirmSerializer`, except that the password is not trimmed. */
export const PasswordResetConfirmSchema = v.object(passwordReset, fields.REQUIRED);

/** djoser's `PasswordResetConfirmRetypeSerializer`. */
export const PasswordResetConfirmRetypeSchema = v.object(
  { ...passwordReset, re_new_password: fields.passwordToVerify },
  fields.REQUIRED,
);

/** Checks the fields of a body. Ignores unknown fields. Returns all errors of all fields. */
export function validate<TSchema extends v.GenericSchema<unknown, unknown>>(
  schema: TSchema,
  data: Fields,
): Result<v.InferOutput<TSchema>, ValidationFailure> {
  const { success, output, issues } = v.safeParse(schema, data);
  if (success) return ok(output);
  return err({ kind: 'validation-error', errors: errorsOf(issues, ({ message }) => message) });
}

/** An issue of valibot or of a Standard Schema. */
type Issue = {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: unknown })[] | undefined;
};

/**
 * Groups issues by field.
 *
 * @param messageOf gets an issue and its field
 */
export function errorsOf<T extends Issue>(
  issues: readonly T[],
  messageOf: (issue: T, field: string) => string,
): ValidationErrors {
  const errors = new Map<string, string[]>();
  for (const issue of issues) {
    const keys = issue.path?.map((part) => String(typeof part === 'object' ? part.key : part));
    const field = keys?.join('.') || 'non_field_errors';
    errors.set(field, [...(errors.get(field) ?? []), messageOf(issue, field)]);
  }
  return Object.fromEntries(errors);
}

/**
 * Uses `email` as the username if there is no `username`. Older clients of the teaching API send
 * such bodies.
 */
export function withEmailAsUsername(data: Fields): Fields {
  const isAlias = Object.hasOwn(data, 'email') && !Object.hasOwn(data, 'username');
  return isAlias ? { ...data, username: data.email } : data;
}
