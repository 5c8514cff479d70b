/** The normal form of names and addresses (django/contrib/auth/models.py, base_user.py). */
import { isLongerThan } from '../lib/is-longer-than.ts';

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
