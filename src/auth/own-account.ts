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
import type { Authenticated, AuthenticationFailure } from './tokens.ts';
import type { User } from './users.ts';

export type { ProfileChanges };

type PasswordChange = { current_password: string; new_password: string };

export type InvalidPassword = { kind: 'invalid-password' };

type UsernameTaken = { kind: 'username-taken' };

type UsernameChange = {
  current_password: string;
  new_username: string;
  /** Undefined if the settings do not require it (`SET_USERNAME_RETYPE`). */
  re_new_username?: string | undefined;
};

type UsernameMismatch = { kind: 'username-mismatch' };

/**
 * Sets a new password and a new token, both or neither. This revokes all other tokens of the user.
 *
 * @returns the new token's key
 */
export async function changeOwnPassword(
  services: AuthServices,
  authenticated: Authenticated,
  { current_password, new_password }: PasswordChange,
): Promise<Result<string, TooManyFailures | InvalidPassword | PasswordRefused>> {
  const { store, tokens } = services;
  const { user } = authenticated;
  return withCurrentPassword(services, authenticated, current_password, async (stored) => {
    const encoded = await encodeNewPassword(services, user, new_password);
    if (!encoded.ok) return encoded;
    const token = tokens.newToken();
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
 * Sets a new password. The tokens stay valid, unless `LOGOUT_ON_PASSWORD_CHANGE` is on
 * (dj_rest_auth/serializers.py, `PasswordChangeSerializer`).
 */
export async function setOwnPassword(
  services: AuthServices,
  authenticated: Authenticated,
  { old_password, new_password1, new_password2 }: SetPassword,
): Promise<
  Result<undefined, NewPasswordFailure | TooManyFailures | InvalidPassword | AuthenticationFailure>
> {
  const { user } = authenticated;
  async function change(
    stored: string,
  ): Promise<Result<undefined, NewPasswordFailure> | undefined> {
    if (new_password1 !== new_password2) return err({ kind: 'password-mismatch' as const });
    return replacePassword(services, user, stored, new_password1);
  }
  if (old_password !== undefined) {
    return withCurrentPassword(services, authenticated, old_password, change);
  }
  const isGone = err({ kind: 'authentication-failed' as const, reason: 'user-inactive' as const });
  return (await withStoredPassword(services, user.id, change)) ?? isGone;
}

/**
 * Runs a change without checking the current password.
 *
 * @param change gets the stored password, and must compare and swap it. It returns undefined if the
 *   stored password has changed. Then it is retried once
 * @returns undefined if the user does not exist
 */
export async function withStoredPassword<T>(
  { store }: Pick<AuthServices, 'store'>,
  id: number,
  change: (stored: string) => Promise<T | undefined>,
): Promise<T | undefined> {
  const attempt = async () => {
    const stored = await store.findPassword(id);
    return stored === undefined ? undefined : change(stored);
  };
  return (await attempt()) ?? attempt();
}

/**
 * Validates a new password, and replaces the stored one. The token stays valid, unless
 * `LOGOUT_ON_PASSWORD_CHANGE` is on.
 *
 * @param stored the expected stored password
 * @returns undefined if the stored password differs
 */
export async function replacePassword(
  services: AuthServices,
  user: User,
  stored: string,
  newPassword: string,
): Promise<Result<undefined, PasswordRefused> | undefined> {
  const encoded = await encodeNewPassword(services, user, newPassword);
  if (!encoded.ok) return encoded;
  const replace = replacementOf(services);
  const isReplaced = await replace(user.id, stored, encoded.value);
  return isReplaced ? ok(undefined) : undefined;
}

/** Replaces a password as Django's packages do, which keep the tokens by default. */
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

/** Checks the current password and changes nothing. */
export const checkOwnPassword = (
  services: AuthServices,
  authenticated: Authenticated,
  currentPassword: string,
): Promise<Result<undefined, TooManyFailures | InvalidPassword>> =>
  withCurrentPassword(services, authenticated, currentPassword, async () => ok(undefined));

/**
 * Sets a new username. The tokens stay valid (djoser/serializers.py, `SetUsernameSerializer`).
 */
export async function changeOwnUsername(
  services: AuthServices,
  authenticated: Authenticated,
  { current_password, new_username, re_new_username = new_username }: UsernameChange,
): Promise<
  Result<undefined, TooManyFailures | InvalidPassword | UsernameMismatch | UsernameTaken>
> {
  const { user } = authenticated;
  async function change(
    stored: string,
  ): Promise<Result<undefined, UsernameMismatch | UsernameTaken> | undefined> {
    if (new_username !== re_new_username) return err({ kind: 'username-mismatch' });
    // In djoser one's own username is taken, too.
    if (new_username === user.username) return err({ kind: 'username-taken' });
    const changes = { username: new_username };
    const profile = await services.store.updateProfile(user.id, changes, stored);
    if (profile === 'username-taken') return err({ kind: profile });
    return profile && ok(undefined);
  }
  return withCurrentPassword(services, authenticated, current_password, change);
}

/** Deletes the account and its tokens, all or nothing. Refused if the foreign key of another table refuses it. */
export async function deleteAccount(
  services: AuthServices,
  authenticated: Authenticated,
  currentPassword: string,
): Promise<Result<undefined, TooManyFailures | InvalidPassword | { kind: 'user-referenced' }>> {
  const { store } = services;
  return withCurrentPassword(services, authenticated, currentPassword, async (stored) => {
    const outcome = await store.deleteUser(authenticated.user.id, stored);
    if (outcome === 'referenced') return err({ kind: 'user-referenced' });
    return outcome === 'deleted' ? ok(undefined) : undefined;
  });
}

/** Whether the changes include a different address. */
export const changesEmail = ({ email }: Pick<User, 'email'>, changes: ProfileChanges): boolean =>
  changes.email !== undefined && !isSameEmail(changes.email, email);

type ProfileOptions = {
  /** Whether the user must verify a new address before the next login. Revokes the tokens then. */
  verifiesEmail?: boolean;
  /** Whether the domain of a new address is stored as it was sent, as djoser does. */
  keepsDomain?: boolean;
};

/** Sets the given names and address. It does not check a password. */
export async function updateProfile(
  services: AuthServices,
  user: User,
  changes: ProfileChanges,
  options: ProfileOptions = {},
): Promise<Result<User, AuthenticationFailure | UsernameTaken>> {
  const updated = await writeProfile(services, user, changes, options);
  return updated ?? err({ kind: 'authentication-failed', reason: 'user-inactive' });
}

/**
 * Does the same after checking the current password. Links are sent to the address, so a person who
 * changes it can take over the account.
 *
 * @param target the user to change, who can be another one. The password is that of the caller
 */
export async function updateEmail(
  services: AuthServices,
  authenticated: Authenticated,
  changes: ProfileChanges,
  currentPassword: string,
  { target = authenticated.user, ...options }: ProfileOptions & { target?: User } = {},
): Promise<Result<User, TooManyFailures | InvalidPassword | UsernameTaken>> {
  return withCurrentPassword(services, authenticated, currentPassword, (stored) => {
    const expected = target.id === authenticated.user.id ? stored : undefined;
    return writeProfile(services, target, changes, options, expected);
  });
}

/**
 * @param password the expected stored password; undefined for any
 * @returns undefined if the user does not exist or the password differs
 */
async function writeProfile(
  { store }: AuthServices,
  user: User,
  { email: typed, ...names }: ProfileChanges,
  { verifiesEmail = false, keepsDomain = false }: ProfileOptions,
  password?: string,
): Promise<Result<User, UsernameTaken> | undefined> {
  const email = typed === undefined || keepsDomain ? typed : normalizeEmail(typed);
  if (verifiesEmail && email !== undefined) {
    const isChanged = await store.changeEmailToVerify(user.id, email, password);
    return isChanged ? ok({ ...user, email, is_active: false }) : undefined;
  }
  const profile = await store.updateProfile(user.id, { ...names, email }, password);
  if (profile === 'username-taken') return err({ kind: profile });
  return profile && ok({ ...user, ...profile });
}

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
