/** Registers a user and creates its token (django/contrib/auth/models.py `UserManager`). */
import { djangoDatetime } from '../lib/django-datetime.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { ValidationFailure } from '../validation/failure.ts';
import { normalizeEmail, normalizeUsername } from '../validation/normal-form.ts';
import type { AuthServices } from './auth-services.ts';
import { type PasswordRefused, validatePassword } from './password-validators.ts';
import type { OwnFields } from './registration-fields.ts';
import type { Token } from './tokens.ts';
import type { User } from './users.ts';

export type Registration = {
  username: string;
  /** Plain text, exactly as the user typed it. */
  password: string;
  first_name: string;
  last_name: string;
  email: string;
  /** The fields of the host, if it has some. */
  own?: OwnFields | undefined;
};

export type RegistrationFailure = PasswordRefused | ValidationFailure | { kind: 'username-taken' };

export type Registered = User & {
  /** Undefined for a user who must verify the address first. */
  token: Token | undefined;
};

/**
 * Creates an active user without privileges (`create_user`), its token and the rows of the host, all or
 * nothing, in one round trip. If addresses must be verified, the user is inactive and has no token.
 *
 * @internal
 */
export async function registerUser(
  { store, tokens, hashing, settings }: AuthServices,
  { password, own, ...registration }: Registration,
): Promise<Result<Registered, RegistrationFailure>> {
  const user = {
    ...registration,
    username: normalizeUsername(registration.username),
    email: normalizeEmail(registration.email),
  };
  const messages = await validatePassword(password, user, settings.passwordValidators);
  if (messages.length > 0) return err({ kind: 'password-refused', field: 'password', messages });

  const token = settings.emailVerification === 'required' ? undefined : tokens.newToken();
  const account = {
    ...user,
    is_active: token !== undefined,
    is_staff: false,
    is_superuser: false,
  };
  const row = {
    ...account,
    password: await hashing.makePassword(password),
    date_joined: djangoDatetime(new Date()),
  };
  try {
    const id = await store.insertUser(row, token, own?.statements(account));
    return id === undefined ? err({ kind: 'username-taken' }) : ok({ id, ...account, token });
  } catch (error) {
    const failure = own?.failureOf(error);
    if (failure) return err(failure);
    throw error;
  }
}
