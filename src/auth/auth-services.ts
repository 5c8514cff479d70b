import type { PasswordHashing } from '../hashing/password-hashing.ts';
import type { Settings } from '../settings.ts';
import type { Store } from '../store/store.ts';
import type { PasswordAttempts } from './password-attempts.ts';
import type { TokenModel } from './tokens.ts';

/** The services that the domain functions use. */
export type AuthServices = {
  store: Store;
  tokens: TokenModel;
  hashing: PasswordHashing;
  passwordAttempts: PasswordAttempts;
  settings: Pick<
    Settings,
    | 'passwordValidators'
    | 'passwordHashers'
    | 'emailVerification'
    | 'secretKey'
    | 'logoutOnPasswordChange'
  >;
};
