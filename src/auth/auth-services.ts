import type { Store } from '../store/store.ts';
import type { AuthSettings } from './auth-settings.ts';
import type { LoginAttempts } from './login-attempts.ts';
import type { PasswordHashing } from './passwords/password-hashing.ts';

/** What the domain works with. */
export type AuthServices = {
  store: Store;
  hashing: PasswordHashing;
  loginAttempts: LoginAttempts;
  settings: AuthSettings;
};
