import type { PasswordValidator } from './password-validators.ts';

/** What the domain asks of the settings. */
export type AuthSettings = {
  /**
   * How long a token is good, 1 to 3,650 days (`TOKEN_MAX_AGE_DAYS`). Undefined: for ever, as in
   * DRF.
   */
  tokenMaxAgeDays: number | undefined;
  /** What a new password must pass, in this order (`AUTH_PASSWORD_VALIDATORS`). By default none. */
  passwordValidators: PasswordValidator[];
  /**
   * Whether a new user must verify its address before the first login (`EMAIL_VERIFICATION`). By
   * default it need not.
   */
  emailVerification: 'none' | 'required';
  /**
   * What links in e-mails are signed with: Django's own, if links are to be valid on both sides.
   * Stand-ins of unknown names are drawn by it, too. `SECRET_KEY`, a secret and not a var.
   */
  secretKey: string | undefined;
};
