import type { PasswordHashing } from '../hashing/password-hashing.ts';
import type { Settings } from '../settings.ts';
import type { Store } from '../store/store.ts';
import type { PasswordAttempts } from './password-attempts.ts';

/** The services that the domain functions use. */
export type AuthServices = {
  store: Store;
  hashing: PasswordHashing;
  passwordAttempts: PasswordAttempts;
  settings: Pick<
    Settings,
    | 'tokenMaxAgeDays'
    | 'passwordValidators'
    | 'passwordHashers'
    | 'emailVerification'
    | 'secretKey'
    | 'logoutOnPasswordChange'
  >;
};
