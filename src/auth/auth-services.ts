import type { PasswordHashing } from '../hashing/password-hashing.ts';
import type { Store } from '../store/store.ts';
import type { AuthSettings } from './auth-settings.ts';
import type { PasswordAttempts } from './password-attempts.ts';

/** What the domain works with. */
export type AuthServices = {
  store: Store;
  hashing: PasswordHashing;
  passwordAttempts: PasswordAttempts;
  settings: AuthSettings;
};
