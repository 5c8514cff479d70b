/** The bodies of djoser's routes (djoser/serializers.py). Passwords are trimmed there. */
import * as v from 'valibot';
import * as fields from './fields.ts';

/** `TokenCreateSerializer`. A missing field counts as wrong. */
export const TokenCreateSchema = v.object({
  username: v.optional(fields.loginUsername),
  password: v.optional(fields.untrimmedPasswordToVerify),
});

/** The same with `LOGIN_FIELD = "email"`. */
export const TokenCreateByEmailSchema = v.object({
  email: v.optional(fields.loginUsername),
  password: v.optional(fields.untrimmedPasswordToVerify),
});

const user = { username: fields.username, password: fields.newCharFieldPassword };
const userWithEmail = { ...user, email: v.optional(fields.email, '') };
const userToVerify = { ...user, email: fields.requiredEmail };
const rePassword = { re_password: fields.trimmedPasswordToVerify };

export const UsernameSchema = v.object({ username: fields.username });

/** `UserCreateSerializer`, and `UserCreatePasswordRetypeSerializer`. */
export const UserCreateSchema = v.object(userWithEmail, fields.REQUIRED);
export const UserCreateRetypeSchema = v.object(
  { ...userWithEmail, ...rePassword },
  fields.REQUIRED,
);

/** The same if the address must be verified. */
export const UserToVerifySchema = v.object(userToVerify, fields.REQUIRED);
export const UserToVerifyRetypeSchema = v.object(
  { ...userToVerify, ...rePassword },
  fields.REQUIRED,
);

/** `UserSerializer`. The other fields are read-only, so they are ignored. No field is required. */
export const UserSchema = v.object({
  email: v.optional(fields.email),
  /** Ours, for `EMAIL_CHANGE_REQUIRES_PASSWORD`. */
  current_password: v.optional(fields.trimmedPasswordToVerify),
});

/** The same if the address must be verified. */
export const UserWithAddressSchema = v.object({
  ...UserSchema.entries,
  email: v.optional(fields.requiredEmail),
});

/** `CurrentPasswordSerializer`, for `UserDeleteSerializer`. */
export const CurrentPasswordSchema = v.object(
  { current_password: fields.trimmedPasswordToVerify },
  fields.REQUIRED,
);

const setPassword = {
  new_password: fields.newCharFieldPassword,
  ...CurrentPasswordSchema.entries,
};

/** `SetPasswordSerializer`, and `SetPasswordRetypeSerializer`. */
export const SetPasswordSchema = v.object(setPassword, fields.REQUIRED);
export const SetPasswordRetypeSchema = v.object(
  { ...setPassword, re_new_password: fields.trimmedPasswordToVerify },
  fields.REQUIRED,
);

const setUsername = { ...CurrentPasswordSchema.entries, new_username: fields.username };
const reNewUsername = { re_new_username: fields.retypedUsername };

/** `SetUsernameSerializer`, and `SetUsernameRetypeSerializer`. */
export const SetUsernameSchema = v.object(setUsername, fields.REQUIRED);
export const SetUsernameRetypeSchema = v.object(
  { ...setUsername, ...reNewUsername },
  fields.REQUIRED,
);

/** djoser does not require the parts of the link. A link without them is not valid. */
const usernameReset = {
  uid: v.optional(fields.linkPart),
  token: v.optional(fields.linkPart),
  new_username: fields.username,
};

/** `UsernameResetConfirmSerializer`, and `UsernameResetConfirmRetypeSerializer`. */
export const UsernameResetConfirmSchema = v.object(usernameReset, fields.REQUIRED);
export const UsernameResetConfirmRetypeSchema = v.object(
  { ...usernameReset, ...reNewUsername },
  fields.REQUIRED,
);
