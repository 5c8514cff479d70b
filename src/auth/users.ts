/** Users: registration and names. Rules are those of django/contrib/auth/models.py. */
import { err, ok, type Result } from '../result.ts';
import { djangoDatetime } from '../store/columns.ts';
import type { AuthServices } from './auth-settings.ts';
import { validatePassword } from './passwords/validators.ts';
import { newToken } from './tokens.ts';

export type Registration = {
  username: string;
  /** Plain text, exactly as the user typed it. */
  password: string;
  first_name: string;
  last_name: string;
  email: string;
};

/** Django's sentences about a password that the settings' validators do not let through. */
export type PasswordRefused = {
  kind: 'password-refused';
  /** What the password was called where it came from. */
  field: 'password' | 'new_password';
  sentences: string[];
};

/**
 * Creates an active user without privileges (`UserManager.create_user`) and its token, both or neither,
 * in one round trip.
 */
export async function registerUser(
  { store, hashing, settings }: AuthServices,
  { password, ...registration }: Registration,
): Promise<Result<{ id: number; key: string }, PasswordRefused | { kind: 'username-taken' }>> {
  const user = {
    ...registration,
    username: normalizeUsername(registration.username),
    email: normalizeEmail(registration.email),
  };
  const sentences = await validatePassword(password, user, settings.passwordValidators);
  if (sentences.length > 0) return err({ kind: 'password-refused', field: 'password', sentences });

  const token = newToken();
  const id = await store.insertUserWithToken(
    {
      ...user,
      password: await hashing.makePassword(password),
      is_active: true,
      is_staff: false,
      is_superuser: false,
      date_joined: djangoDatetime(new Date()),
    },
    token,
  );
  return id === undefined ? err({ kind: 'username-taken' }) : ok({ id, key: token.key });
}

/** NFKC, so that names that look the same are the same (`AbstractBaseUser.normalize_username`). */
export const normalizeUsername = (username: string): string => username.normalize('NFKC');

/** Lower-cases the domain; the part before the last @ is the mail server's (`normalize_email`). */
export function normalizeEmail(email: string): string {
  const at = email.lastIndexOf('@');
  return at < 0 ? email : email.slice(0, at) + email.slice(at).toLowerCase();
}
