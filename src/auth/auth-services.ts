import type { Store } from '../store/store.ts';
import type { PasswordHashing } from './passwords/password-hashing.ts';
import type { PasswordValidator } from './passwords/validators.ts';

/** What the domain works with. */
export type AuthServices = { store: Store; hashing: PasswordHashing; settings: AuthSettings };

/** What the domain asks of the settings. */
export type AuthSettings = {
  /** How long a token is good, in days. Undefined: for ever, as in DRF. */
  tokenMaxAgeDays: number | undefined;
  /** What a new password must pass (`AUTH_PASSWORD_VALIDATORS`), in this order. */
  passwordValidators: PasswordValidator[];
  /** Must a new user verify its address before the first login (`EMAIL_VERIFICATION`)? */
  emailVerification: 'none' | 'required';
};
