/** What users do to their own account. The current password is asked for where harm can be done. */
import { err, ok, type Result } from '../result.ts';
import type { ProfileChanges } from '../store/users.ts';
import type { AuthServices } from './auth-services.ts';
import { type TooManyFailures, tryPassword } from './password-attempts.ts';
import { type PasswordRefused, validatePassword } from './passwords/validators.ts';
import { type Authenticated, newToken } from './tokens.ts';
import { normalizeEmail, type User } from './users.ts';

type PasswordChange = { current_password: string; new_password: string };

type InvalidPassword = { kind: 'invalid-password' };

/**
 * Sets a new password and a new token, both or neither. The old token is dead then.
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
    const sentences = await validatePassword(new_password, user, settings.passwordValidators);
    if (sentences.length > 0)
      return err({ kind: 'password-refused', field: 'new_password', sentences });
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

/**
 * Sets what is given of the names and the address. No password is asked for.
 *
 * @returns undefined where the user is gone
 */
export async function updateOwnProfile(
  { store }: AuthServices,
  user: User,
  changes: ProfileChanges,
): Promise<User | undefined> {
  const email = changes.email === undefined ? {} : { email: normalizeEmail(changes.email) };
  const profile = await store.updateProfile(user.id, { ...changes, ...email });
  return profile && { ...user, ...profile };
}

/**
 * Runs a change once the current password is verified.
 *
 * @param change gets the stored password, which it must compare and swap. It returns undefined
 *   where that password has changed. Then the current password is verified once more, and no more.
 */
async function withCurrentPassword<T, E>(
  services: AuthServices,
  { user, token }: Authenticated,
  currentPassword: string,
  change: (stored: string) => Promise<Result<T, E> | undefined>,
): Promise<Result<T, E | TooManyFailures | InvalidPassword>> {
  // Wrong passwords are counted by the token. So failed logins do not lock its owner out, and a
  // stolen token gives no endless guesses. A login gives another token after a logout.
  const account = `token ${token.key}`;
  const attempt = async () => {
    const stored = await services.store.findPassword(user.id);
    const tried = await tryPassword(services, account, currentPassword, stored);
    if (!tried.ok) return tried;
    const { isCorrect, forgetFailures } = tried.value;
    if (!isCorrect || stored === undefined) return err({ kind: 'invalid-password' as const });
    await forgetFailures?.();
    return change(stored);
  };
  return (await attempt()) ?? (await attempt()) ?? err({ kind: 'invalid-password' });
}
