/** The normal form of names and addresses (django/contrib/auth/models.py, base_user.py). */
import { isLongerThan } from '../lib/is-longer-than.ts';

/** Characters of a username (`AbstractUser.username`). */
export const USERNAME_LENGTH = 150;

/**
 * Normalizes to NFKC, so that names that look the same are equal
 * (`AbstractBaseUser.normalize_username`). Names above the maximum length are not normalized,
 * because the time of NFKC can be quadratic in the length (django/contrib/auth/forms.py,
 * `UsernameField.to_python`; CVE-2023-46695).
 */
export const normalizeUsername = (username: string): string =>
  isLongerThan(username, USERNAME_LENGTH) ? username : username.normalize('NFKC');

/** Lower-cases the domain, the part after the last @ (`BaseUserManager.normalize_email`). */
export function normalizeEmail(email: string): string {
  const at = email.lastIndexOf('@');
  return at < 0 ? email : email.slice(0, at) + email.slice(at).toLowerCase();
}

/** Whether two addresses are equal. Only the case of the domain is ignored. */
export const isSameEmail = (email: string, other: string): boolean =>
  normalizeEmail(email) === normalizeEmail(other);
