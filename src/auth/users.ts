/** The user, and the normal form of its names and address (django/contrib/auth/models.py). */
import { isLongerThan } from '../is-longer-than.ts';

/** The user that a token names, without the password. */
export type User = {
  id: number;
  username: string;
  first_name: string;
  last_name: string;
  email: string;
  is_staff: boolean;
  is_superuser: boolean;
  is_active: boolean;
};

/** Characters of a username (`AbstractUser.username`). */
export const USERNAME_LENGTH = 150;

/**
 * NFKC, so that names that look the same are the same (`AbstractBaseUser.normalize_username`).
 * A name that is too long to exist stays as it is: the time for NFKC can grow with the square of the
 * length (django/contrib/auth/forms.py, `UsernameField.to_python`; CVE-2023-46695).
 */
export const normalizeUsername = (username: string): string =>
  isLongerThan(username, USERNAME_LENGTH) ? username : username.normalize('NFKC');

/** Lower-cases the domain, which follows the last @ (`BaseUserManager.normalize_email`). */
export function normalizeEmail(email: string): string {
  const at = email.lastIndexOf('@');
  return at < 0 ? email : email.slice(0, at) + email.slice(at).toLowerCase();
}

/** Whether mail servers read two addresses as the same one: only the domain has no case. */
export const isSameEmail = (email: string, other: string): boolean =>
  normalizeEmail(email) === normalizeEmail(other);
