/**
 * Changes of a user's own account. A change that could cost the user the account requires the
 * current password.
 */
import { err, ok, type Result } from '../lib/result.ts';
import type { ProfileChanges } from '../store/users.ts';
import { isSameEmail, normalizeEmail } from '../validation/normal-form.ts';
import type { AuthServices } from './auth-services.ts';
import { type TooManyFailures, tryPassword } from './password-attempts.ts';
import { type PasswordRefused, validatePassword } from './password-validators.ts';
import { type Authenticated, type AuthenticationFailure, newToken } from './tokens.ts';
import type { User } from './users.ts';

export type { ProfileChanges };

type PasswordChange = { current_password: string; new_password: string };

type InvalidPassword = { kind: 'invalid-password' };

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
  const { store, hashing, settings } = services;
  const { user } = authenticated;
  return withCurrentPassword(services, authenticated, current_password, async (stored) => {
    const messages = await validatePassword(new_password, user, settings.passwordValidators);
    if (messages.length > 0)
      return err({ kind: 'password-refused', field: 'new_password', messages });
    const [encoded, token] = [await hashing.makePassword(new_password), newToken()];
    const replaced = await store.replacePasswordAndToken(user.id, stored, encoded, token);
    return replaced ? ok(token.key) : undefined;
  });
}

/**
 * Deletes the user and its token, both or neither. Refused while rows of other tables refer to it.
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
): Promise<Result<User, AuthenticationFailure>> {
  const profile = await store.updateProfile(user.id, withNormalEmail(changes));
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
): Promise<Result<User, TooManyFailures | InvalidPassword>> {
  const { user } = authenticated;
  return withCurrentPassword(services, authenticated, currentPassword, async (stored) => {
    const profile = await services.store.updateProfile(user.id, withNormalEmail(changes), stored);
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
