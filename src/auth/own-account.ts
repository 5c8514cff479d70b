/**
 * Changes of a user's own account. A change that could cost the user the account requires the
 * current password.
 */
import { err, ok, type Result } from '../lib/result.ts';
import type { ProfileChanges } from '../store/users.ts';
import { isSameEmail, normalizeEmail } from '../validation/normal-form.ts';
import type { AuthServices } from './auth-services.ts';
import { type TooManyFailures, tryPassword } from './password-attempts.ts';
import {
  type PasswordMismatch,
  type PasswordRefused,
  validatePassword,
} from './password-validators.ts';
import { type Authenticated, type AuthenticationFailure, newToken } from './tokens.ts';
import type { User } from './users.ts';

export type { ProfileChanges };

type PasswordChange = { current_password: string; new_password: string };

type InvalidPassword = { kind: 'invalid-password' };

type UsernameTaken = { kind: 'username-taken' };

/**
 * Sets a new password and a new token, both or neither. This revokes the old token.
 *
 * @returns the new token's key
 */
export async function changeOwnPassword(
  services: AuthServices,
  authenticated: Authenticated,
  { current_password, new_password }: PasswordChange,
): Promise<Result<string, TooManyFailures | InvalidPassword | PasswordRefused>> {
  const { store } = services;
  const { user } = authenticated;
  return withCurrentPassword(services, authenticated, current_password, async (stored) => {
    const encoded = await encodeNewPassword(services, user, new_password);
    if (!encoded.ok) return encoded;
    const token = newToken();
    const replaced = await store.replacePasswordAndToken(user.id, stored, encoded.value, token);
    return replaced ? ok(token.key) : undefined;
  });
}

type NewPasswordFailure = PasswordMismatch | PasswordRefused;

type SetPassword = {
  /** Undefined if the settings do not require it (`OLD_PASSWORD_FIELD_ENABLED`). */
  old_password?: string | undefined;
  new_password1: string;
  new_password2: string;
};

/**
 * Sets a new password. The token stays valid, unless `LOGOUT_ON_PASSWORD_CHANGE` is on
 * (dj_rest_auth/serializers.py, `PasswordChangeSerializer`).
 */
export async function setOwnPassword(
  services: AuthServices,
  authenticated: Authenticated,
  { old_password, new_password1, new_password2 }: SetPassword,
): Promise<
  Result<undefined, NewPasswordFailure | TooManyFailures | InvalidPassword | AuthenticationFailure>
> {
  const { store } = services;
  const { user } = authenticated;
  async function change(
    stored: string,
  ): Promise<Result<undefined, NewPasswordFailure> | undefined> {
    if (new_password1 !== new_password2) return err({ kind: 'password-mismatch' as const });
    const encoded = await encodeNewPassword(services, user, new_password1);
    if (!encoded.ok) return encoded;
    const replace = replacementOf(services);
    const isReplaced = await replace(user.id, stored, encoded.value);
    return isReplaced ? ok(undefined) : undefined;
  }
  if (old_password !== undefined) {
    return withCurrentPassword(services, authenticated, old_password, change);
  }
  const attempt = async () => {
    const stored = await store.findPassword(user.id);
    return stored === undefined ? undefined : change(stored);
  };
  const isGone = err({ kind: 'authentication-failed' as const, reason: 'user-inactive' as const });
  return (await attempt()) ?? (await attempt()) ?? isGone;
}

/** Replaces a password as Django's packages do, which keep the token by default. */
export const replacementOf = ({ store, settings }: AuthServices) =>
  settings.logoutOnPasswordChange
    ? store.replacePasswordAndDeleteToken
    : store.replacePasswordAndKeepToken;

async function encodeNewPassword(
  { hashing, settings }: AuthServices,
  user: User,
  password: string,
): Promise<Result<string, PasswordRefused>> {
  const messages = await validatePassword(password, user, settings.passwordValidators);
  if (messages.length > 0) {
    return err({ kind: 'password-refused', field: 'new_password', messages });
  }
  return ok(await hashing.makePassword(password));
}

/**
 * Deletes the user and its token, both or neither. Refused if the foreign key of another table
 * refuses it.
 */
export async function deleteOwnAccount(
  services: AuthServices,
  authenticated: Authenticated,
  currentPassword: string,
): Promise<Result<undefined, TooManyFailures | InvalidPassword | { kind: 'user-referenced' }>> {
  return withCurrentPassword(services, authenticated, currentPassword, async (stored) => {
    const outcome = await services.store.deleteUser(authenticated.user.id, stored);
    if (outcome === 'referenced') return err({ kind: 'user-referenced' });
    return outcome === 'deleted' ? ok(undefined) : undefined;
  });
}

/** Whether the changes include a different address. */
export const changesEmail = ({ email }: Pick<User, 'email'>, changes: ProfileChanges): boolean =>
  changes.email !== undefined && !isSameEmail(changes.email, email);

/** Sets the given names and address. It does not check a password. */
export async function updateOwnProfile(
  { store }: AuthServices,
  user: User,
  changes: ProfileChanges,
): Promise<Result<User, AuthenticationFailure | UsernameTaken>> {
  const profile = await store.updateProfile(user.id, withNormalEmail(changes));
  if (profile === 'username-taken') return err({ kind: profile });
  if (!profile) return err({ kind: 'authentication-failed', reason: 'user-inactive' });
  return ok({ ...user, ...profile });
}

/**
 * Does the same after checking the current password. Links are sent to the address, so a person who
 * changes it can take over the account.
 */
export async function updateOwnEmail(
  services: AuthServices,
  authenticated: Authenticated,
  changes: ProfileChanges,
  currentPassword: string,
): Promise<Result<User, TooManyFailures | InvalidPassword | UsernameTaken>> {
  const { user } = authenticated;
  return withCurrentPassword(services, authenticated, currentPassword, async (stored) => {
    const profile = await services.store.updateProfile(user.id, withNormalEmail(changes), stored);
    if (profile === 'username-taken') return err({ kind: profile });
    return profile && ok({ ...user, ...profile });
  });
}

const withNormalEmail = ({ email, ...names }: ProfileChanges): ProfileChanges => ({
  ...names,
  email: email === undefined ? undefined : normalizeEmail(email),
});

/**
 * Verifies the current password and runs a change.
 *
 * @param change gets the stored password, and must compare and swap it. It returns undefined if the
 *   stored password has changed. Then verification and change are retried once.
 */
async function withCurrentPassword<T, E>(
  services: AuthServices,
  { user, token }: Authenticated,
  currentPassword: string,
  change: (stored: string) => Promise<Result<T, E> | undefined>,
): Promise<Result<T, E | TooManyFailures | InvalidPassword>> {
  // Wrong passwords are counted per token. So failed logins do not lock the owner out, and a stolen
  // token does not allow unlimited guesses. After a logout, a login creates another token.
  const name = `token ${token.key}`;
  const attempt = async () => {
    const stored = await services.store.findPassword(user.id);
    const tried = await tryPassword(services, { name, stored }, currentPassword, stored);
    if (!tried.ok) return tried;
    const { isCorrect, forgetFailures } = tried.value;
    if (!isCorrect || stored === undefined) return err({ kind: 'invalid-password' as const });
    await forgetFailures?.();
    return change(stored);
  };
  return (await attempt()) ?? (await attempt()) ?? err({ kind: 'invalid-password' });
}
