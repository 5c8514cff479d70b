/**
 * From a username and password to the user's token (django/contrib/auth/backends.py
 * `ModelBackend`).
 */
import { err, ok, type Result } from '../lib/result.ts';
import type { AuthServices } from './auth-services.ts';
import { type CountedAttempt, type TooManyFailures, tryPassword } from './password-attempts.ts';
import { drawStandIn } from './stand-in.ts';
import { expiryDate, isExpired, newToken } from './tokens.ts';

export type Credentials = {
  /** In its normal form (`normalizeUsername`). */
  username: string;
  password: string;
};

/** The client gets the same response for each reason. Only the log has the reason and the user. */
export type InvalidCredentials = {
  kind: 'invalid-credentials';
  reason: 'unknown-user' | 'wrong-password' | 'inactive-user' | 'changed-meanwhile';
  userId?: number;
};

export type LoginFailure = InvalidCredentials | (TooManyFailures & { userId: number | undefined });

export type Login = {
  userId: number;
  /** The token's key. */
  key: string;
  /**
   * Replaces a stored hash that is weaker than today's, unless the password has changed meanwhile,
   * and returns whether it did. It costs as much as a login: run it once the answer is out.
   */
  upgradeHash: (() => Promise<boolean>) | undefined;
  /** Run it after the response. Until then the login counts as failed, which refuses no owner. */
  forgetFailures: CountedAttempt['forgetFailures'] | undefined;
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
  // The user may change while its password is checked. Then everything is read once more.
  return (
    (await attempt()) ??
    (await attempt()) ??
    err({ kind: 'invalid-credentials', reason: 'changed-meanwhile' })
  );
}

/** Undefined where the user has changed meanwhile: its password, `is_active`, or all of it. */
async function attemptLogin(
  services: AuthServices,
  { username, password }: Credentials,
): Promise<Result<Login, LoginFailure> | undefined> {
  const { store, hashing, settings } = services;
  const { secretKey, tokenMaxAgeDays } = settings;
  const revocations = store.revocations();
  const draws = drawStandIn(username, secretKey);
  const { user, encoded } = await store.findUserOrStandIn(username, draws);

  // For an unknown or inactive user too, so that the time does not show which it is.
  const account = { name: username, stored: user?.password };
  const tried = await tryPassword(services, account, password, encoded);
  if (!tried.ok) return err({ ...tried.error, userId: user?.id });
  const { isCorrect, mustUpdate, forgetFailures } = tried.value;

  // Even if the password is the stand-in's.
  if (!user) return err({ kind: 'invalid-credentials', reason: 'unknown-user' });
  const userId = user.id;
  if (!isCorrect) return err({ kind: 'invalid-credentials', reason: 'wrong-password', userId });
  if (!user.is_active) return err({ kind: 'invalid-credentials', reason: 'inactive-user', userId });

  // If this isolate has revoked something meanwhile, it may be this token: ask the database again.
  const isCurrent = store.revocations() === revocations;
  const { token } = user;
  const key =
    token && isCurrent && !isExpired(token, tokenMaxAgeDays)
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
  return ok({
    userId,
    key,
    upgradeHash: mustUpdate ? upgradeHash : undefined,
    forgetFailures,
  });
}
