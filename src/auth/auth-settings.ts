import type { PasswordValidator } from './passwords/validators.ts';

/** What the domain asks of the settings. */
export type AuthSettings = {
  /** PBKDF2's work factor for passwords made today. */
  iterations: number;
  /** How long a token is good, in days; undefined: for ever, as in DRF. */
  tokenMaxAgeDays: number | undefined;
  /** What a new password must pass (`AUTH_PASSWORD_VALIDATORS`), in this order. */
  passwordValidators: PasswordValidator[];
};
