/** What a user is, and the normal form of its names. After django/contrib/auth/models.py. */

/** The user that a token names. Its password is not part of it. */
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

/** NFKC, so that names that look the same are the same (`AbstractBaseUser.normalize_username`). */
export const normalizeUsername = (username: string): string => username.normalize('NFKC');

/**
 * Lower-cases the domain. What stands before the last @ is the mail server's (`normalize_email`).
 */
export function normalizeEmail(email: string): string {
  const at = email.lastIndexOf('@');
  return at < 0 ? email : email.slice(0, at) + email.slice(at).toLowerCase();
}

/** Whether mail servers read two addresses as the same one: only the domain has no case. */
export const isSameEmail = (email: string, other: string): boolean =>
  normalizeEmail(email) === normalizeEmail(other);
