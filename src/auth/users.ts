/** Registration and login. Names and rules are those of django/contrib/auth (models.py, backends.py). */
import { err, ok, type Result } from '../result.ts';
import { djangoDatetime } from '../store/columns.ts';
import type { Store } from '../store/store.ts';
import { makePassword, verifyPassword } from './passwords/hashers.ts';
import { generateKey } from './tokens.ts';

/** What the domain asks of the settings. */
export type PasswordSettings = {
  /** PBKDF2's work factor for passwords made today. */
  iterations: number;
};

export type Registration = {
  username: string;
  /** Plain text, exactly as the user typed it. */
  password: string;
  first_name: string;
  last_name: string;
  email: string;
};

export type Credentials = { username: string; password: string };

/**
 * Creates an active user without privileges (`UserManager.create_user`) and its token, both or neither,
 * in one round trip.
 *
 * @returns the token's key
 */
export async function registerUser(
  store: Store,
  { iterations }: PasswordSettings,
  registration: Registration,
): Promise<Result<string, { kind: 'username-taken' }>> {
  const key = generateKey();
  const now = djangoDatetime(new Date());
  const inserted = await store.insertUserWithToken(
    {
      ...registration,
      username: normalizeUsername(registration.username),
      password: await makePassword(registration.password, iterations),
      email: normalizeEmail(registration.email),
      is_active: true,
      is_staff: false,
      is_superuser: false,
      date_joined: now,
    },
    { key, created: now },
  );
  return inserted ? ok(key) : err({ kind: 'username-taken' });
}

/**
 * Checks a username and password (`ModelBackend.authenticate`) and finds the user's token, making one
 * only where there is none (`Token.objects.get_or_create`). All failures are one and the same.
 *
 * @param waitUntil given the promise of work that must not hold up the answer: where the stored hash is
 *   weaker than today's, its replacement
 * @returns the token's key
 */
export async function obtainToken(
  store: Store,
  settings: PasswordSettings,
  credentials: Credentials,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<Result<string, { kind: 'invalid-credentials' }>> {
  const attempt = () => attemptLogin(store, settings, credentials, waitUntil);
  // A second look where the user changed under our eyes; whom even that finds changing is let go.
  return (await attempt()) ?? (await attempt()) ?? err({ kind: 'invalid-credentials' });
}

/** Undefined where the user changed (a new password or hash, deactivated, deleted) since it was read. */
async function attemptLogin(
  store: Store,
  { iterations }: PasswordSettings,
  { username, password }: Credentials,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<Result<string, { kind: 'invalid-credentials' }> | undefined> {
  const user = await store.findUserByUsername(normalizeUsername(username));
  // Before looking whether there is a user or it is active: the time taken must tell neither.
  const { isCorrect, mustUpdate } = await verifyPassword(password, user?.password, iterations);
  if (!user?.is_active || !isCorrect) return err({ kind: 'invalid-credentials' });

  const first = { key: generateKey(), created: djangoDatetime(new Date()) };
  const key = user.key ?? (await store.getOrCreateToken(user.id, user.password, first));
  if (key === undefined) return undefined;

  if (mustUpdate) {
    const upgraded = makePassword(password, iterations);
    waitUntil(upgraded.then((encoded) => store.replacePassword(user.id, user.password, encoded)));
  }
  return ok(key);
}

/** NFKC, so that names that look the same are the same (`AbstractBaseUser.normalize_username`). */
export const normalizeUsername = (username: string): string => username.normalize('NFKC');

/** Lower-cases the domain; the part before the last @ is the mail server's (`normalize_email`). */
export function normalizeEmail(email: string): string {
  const at = email.lastIndexOf('@');
  return at < 0 ? email : email.slice(0, at) + email.slice(at).toLowerCase();
}
