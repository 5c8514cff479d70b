/** From a username and password to the user's token (django/contrib/auth/backends.py `ModelBackend`). */
import { err, ok, type Result } from '../result.ts';
import type { AuthServices } from './auth-settings.ts';
import { expiryDate, isExpired, newToken } from './tokens.ts';
import { normalizeUsername } from './users.ts';

export type Credentials = { username: string; password: string };

/** The reason is for the log alone: on the wire all failures are one and the same. */
export type LoginFailure = {
  kind: 'invalid-credentials';
  reason: 'unknown-user' | 'wrong-password' | 'inactive-user' | 'changed-meanwhile';
  userId?: number;
};

export type Login = {
  userId: number;
  /** The token's key. */
  key: string;
  /**
   * Where the stored hash is weaker than today's: replaces it, unless the password has changed since, and
   * tells whether it did. As costly as a login: to be run once the answer is out.
   */
  upgradeHash: (() => Promise<boolean>) | undefined;
};

/**
 * Checks the credentials and finds the user's token, making one only where there is none or it has
 * expired (`Token.objects.get_or_create`).
 */
export async function logIn(
  services: AuthServices,
  credentials: Credentials,
): Promise<Result<Login, LoginFailure>> {
  const attempt = () => attemptLogin(services, credentials);
  // The user may change while its password is checked. Then it is looked at once more, and no more.
  return (
    (await attempt()) ??
    (await attempt()) ??
    err({ kind: 'invalid-credentials', reason: 'changed-meanwhile' })
  );
}

/** Undefined where the user changed (a new password or hash, deactivated, deleted) since it was read. */
async function attemptLogin(
  { store, hashing, settings: { tokenMaxAgeDays } }: AuthServices,
  { username, password }: Credentials,
): Promise<Result<Login, LoginFailure> | undefined> {
  const user = await store.findUserByUsername(normalizeUsername(username));
  // Before looking whether there is a user or it is active: the time taken must tell neither.
  const { isCorrect, mustUpdate } = await hashing.verifyPassword(password, user?.password);
  if (!user) return err({ kind: 'invalid-credentials', reason: 'unknown-user' });
  const userId = user.id;
  if (!isCorrect) return err({ kind: 'invalid-credentials', reason: 'wrong-password', userId });
  if (!user.is_active) return err({ kind: 'invalid-credentials', reason: 'inactive-user', userId });

  const { token } = user;
  const key =
    token && !isExpired(token, tokenMaxAgeDays)
      ? token.key
      : await store.getOrCreateToken(
          userId,
          user.password,
          newToken(),
          expiryDate(tokenMaxAgeDays),
        );
  if (key === undefined) return undefined;

  const upgradeHash = async () =>
    store.replacePassword(userId, user.password, await hashing.makePassword(password));
  return ok({ userId, key, upgradeHash: mustUpdate ? upgradeHash : undefined });
}
