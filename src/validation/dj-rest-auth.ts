/**
 * The bodies of dj-rest-auth's routes (dj_rest_auth/serializers.py,
 * dj_rest_auth/registration/serializers.py). Passwords are trimmed there.
 */
import * as v from 'valibot';
import * as fields from './fields.ts';

/** `LoginSerializer`. A missing username or address is blank. */
export const LoginSchema = v.object(
  {
    username: v.optional(fields.blankableText, ''),
    email: v.optional(fields.blankableLookupEmail, ''),
    password: fields.trimmedPasswordToVerify,
  },
  fields.REQUIRED,
);

const names = { first_name: v.optional(fields.name), last_name: v.optional(fields.name) };

/** `UserDetailsSerializer`. `pk` and `email` are read-only, so they are ignored. */
export const UserDetailsSchema = v.object({ username: fields.username, ...names }, fields.REQUIRED);

/** The same with `partial=True`. */
export const PartialUserDetailsSchema = v.object({
  username: v.optional(fields.username),
  ...names,
});

const newPasswords = {
  new_password1: fields.trimmedPassword,
  new_password2: fields.trimmedPassword,
};

/** `PasswordChangeSerializer` with `OLD_PASSWORD_FIELD_ENABLED`. */
export const PasswordChangeSchema = v.object(
  { old_password: fields.trimmedPasswordToVerify, ...newPasswords },
  fields.REQUIRED,
);

/** `PasswordChangeSerializer` without it. The old password is ignored. */
export const UnverifiedPasswordChangeSchema = v.object(newPasswords, fields.REQUIRED);

/** `PasswordResetSerializer`, `ResendEmailVerificationSerializer`. */
export const AddressSchema = v.object({ email: fields.lookupEmail }, fields.REQUIRED);

/** `PasswordResetConfirmSerializer`. */
export const ResetConfirmSchema = v.object(
  { uid: fields.linkPart, token: fields.linkPart, ...newPasswords },
  fields.REQUIRED,
);

const registration = {
  username: fields.username,
  password1: fields.allauthPassword,
  password2: fields.trimmedPasswordToVerify,
};

/** `RegisterSerializer`. The address may be missing, but not blank. */
export const RegistrationSchema = v.object(
  { ...registration, email: v.optional(fields.requiredEmail) },
  fields.REQUIRED,
);

/** A registration whose address must be verified. */
export const VerifiedRegistrationSchema = v.object(
  { ...registration, email: fields.requiredEmail },
  fields.REQUIRED,
);

/** `VerifyEmailSerializer`. */
export const VerifyEmailSchema = v.object({ key: fields.linkPart }, fields.REQUIRED);
