/**
 * Exchanges a username, or an e-mail address, and a password for a token of the user
 * (django/contrib/auth/backends.py `ModelBackend`; dj_rest_auth/serializers.py `LoginSerializer`).
 */
import { isNotSupported } from '../hashing/identify.ts';
import { djangoDatetime } from '../lib/django-datetime.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { normalizeEmailForComparison } from './account-mail.ts';
import type { AuthServices } from './auth-services.ts';
import { type CountedAttempt, type TooManyFailures, tryPassword } from './password-attempts.ts';
import { drawStandIn } from './stand-in.ts';
import type { Token, TokenLimitExceeded } from './tokens.ts';

export type Credentials = {
  /** Normalized (`normalizeUsername`). Empty if the client sent only an address. */
  username: string;
  /** If a user has this address, the user logs in, whatever the username is. */
  email?: string | undefined;
  password: string;
  /** Whether the login is stored (`CREATE_SESSION_ON_LOGIN`, `user_logged_in`). Links before it expire. */
  setsLastLogin?: boolean;
};

/** The client gets the same response for each reason. Only the log has the reason and the user. */
export type InvalidCredentials = {
  kind: 'invalid-credentials';
  reason:
    | 'unknown-user'
    | 'wrong-password'
    | 'hash-not-supported'
    | 'inactive-user'
    | 'changed-meanwhile';
  userId?: number;
};

export type LoginFailure =
  | InvalidCredentials
  | ((TooManyFailures | TokenLimitExceeded) & { userId: number | undefined });

export type Login = {
  userId: number;
  username: string;
  token: Token;
  /**
   * Replaces a stored hash of another algorithm, iteration count or salt length than a new one has.
   * Returns whether it did: it does not if the password has changed since the login. It costs as much
   * CPU time as a login, so run it after the response.
   */
  upgradeHash: (() => Promise<boolean>) | undefined;
  /**
   * Run it after the response. Until then the login counts as failed, but no user is locked out.
   */
  forgetFailures: CountedAttempt['forgetFailures'] | undefined;
  /** Deletes some expired tokens. Run it after the response. */
  removeExpired: (() => Promise<void>) | undefined;
};

/** Checks the credentials and returns a token of the user, by the rules of the token model. */
export async function logIn(
  services: AuthServices,
  credentials: Credentials,
): Promise<Result<Login, LoginFailure>> {
  const attempt = () => attemptLogin(services, credentials);
  // If the user changes while the password is checked, read the user again and retry once.
  return (
    (await attempt()) ??
    (await attempt()) ??
    err({ kind: 'invalid-credentials', reason: 'changed-meanwhile' })
  );
}

/** Undefined if the user was changed or deleted while the password was checked. */
async function attemptLogin(
  services: AuthServices,
  { username, email = '', password, setsLastLogin = false }: Credentials,
): Promise<Result<Login, LoginFailure> | undefined> {
  const { store, tokens, hashing, settings } = services;
  const revocations = store.revocations();
  const name = username === '' ? normalizeEmailForComparison(email) : username;
  // There is no user whose existence the time could reveal.
  if (name === '') return err({ kind: 'invalid-credentials', reason: 'unknown-user' });
  const draws = drawStandIn(name, settings.secretKey);
  const { user, encoded } = await store.findUserOrStandIn(username, draws, email);

  // Hash for an unknown or inactive user too, so that timing does not reveal which it is. Attempts
  // at a user count together, whether the client sends the username or the address.
  const account = { name: user?.username ?? name, stored: user?.password };
  const tried = await tryPassword(services, account, password, encoded);
  if (!tried.ok) return err({ ...tried.error, userId: user?.id });
  const { isCorrect, mustUpdate, kind, forgetFailures } = tried.value;

  // An unknown user cannot log in, even with the password of the stand-in.
  if (!user) return err({ kind: 'invalid-credentials', reason: 'unknown-user' });
  const userId = user.id;
  if (!isCorrect) {
    const reason = isNotSupported(kind) ? 'hash-not-supported' : 'wrong-password';
    return err({ kind: 'invalid-credentials', reason, userId });
  }
  if (!user.is_active) return err({ kind: 'invalid-credentials', reason: 'inactive-user', userId });

  const lastLogin = setsLastLogin ? djangoDatetime(new Date()) : undefined;
  const token = await tokens.logIn(user, { revocations, lastLogin });
  if (token === undefined) return undefined;
  if (!token.ok) {
    await forgetFailures?.();
    return err({ ...token.error, userId });
  }

  const upgradeHash = async () =>
    store.replacePassword(userId, user.password, await hashing.makePassword(password));
  return ok({
    userId,
    username: user.username,
    token: token.value,
    upgradeHash: mustUpdate ? upgradeHash : undefined,
    forgetFailures,
    removeExpired: tokens.removeExpired,
  });
}
