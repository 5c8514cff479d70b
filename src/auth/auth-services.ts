import type { PasswordHashing } from '../hashing/password-hashing.ts';
import type { Settings } from '../settings.ts';
import type { Store } from '../store/store.ts';
import type { PasswordAttempts } from './password-attempts.ts';
import type { TokenModel } from './tokens.ts';

/**
 * The services that the domain functions use. Types that need the store are internal, so that they are not
 * in the declarations of the package: those of Drizzle do not compile with `skipLibCheck: false`.
 */
export type AuthServices = {
  /** @internal */
  store: Store;
  /** @internal */
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
