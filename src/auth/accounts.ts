/** What an operator does with accounts: the rules behind Django's and DRF's management commands. */
import { err, ok, type Result } from '../result.ts';
import type { AccountStore } from '../store/accounts.ts';
import { djangoDatetime } from '../store/columns.ts';
import { UNUSABLE_PREFIX } from './passwords/identify.ts';
import type { PasswordHashing } from './passwords/password-hashing.ts';
import { getRandomString } from './passwords/random-string.ts';
import { newToken } from './tokens.ts';
import { normalizeEmail, normalizeUsername } from './users.ts';

/** Characters after the `!` (django/contrib/auth/hashers.py, `UNUSABLE_PASSWORD_SUFFIX_LENGTH`). */
const UNUSABLE_SUFFIX_LENGTH = 40;

export type Account = { id: number; username: string };

export type NewAccount = {
  username: string;
  email: string;
  /** Undefined for a user who cannot log in until it is given one. */
  password: string | undefined;
  /** A superuser is staff too (`UserManager.create_superuser`). */
  isSuperuser: boolean;
};

/** Creates an active user (`create_user`, `create_superuser`). As in Django, its first login makes its token. */
export async function createAccount(
  store: AccountStore,
  hashing: PasswordHashing,
  { username, email, password, isSuperuser }: NewAccount,
): Promise<Result<void, { kind: 'username-taken' }>> {
  const inserted = await store.insertUser({
    username: normalizeUsername(username),
    email: normalizeEmail(email),
    password:
      password === undefined
        ? UNUSABLE_PREFIX + getRandomString(UNUSABLE_SUFFIX_LENGTH)
        : await hashing.makePassword(password),
    first_name: '',
    last_name: '',
    is_active: true,
    is_staff: isSuperuser,
    is_superuser: isSuperuser,
    date_joined: djangoDatetime(new Date()),
  });
  return inserted ? ok(undefined) : err({ kind: 'username-taken' });
}

/** The user of exactly this name, or of its NFKC form: imported names may be in neither. */
export async function findAccount(
  store: AccountStore,
  username: string,
): Promise<Account | undefined> {
  return (await store.findUser(username)) ?? store.findUser(normalizeUsername(username));
}

/** Gives the user a new password (`set_password`); its token stays. */
export async function changePassword(
  store: AccountStore,
  hashing: PasswordHashing,
  { id }: Account,
  password: string,
): Promise<void> {
  await store.setPassword(id, await hashing.makePassword(password));
}

/**
 * The user's token, made where there is none (rest_framework/authtoken/management/commands).
 *
 * @param reset put a new one in the place of the one it has
 * @returns the token's key
 */
export async function createToken(
  store: AccountStore,
  { id }: Account,
  { reset }: { reset: boolean },
): Promise<string> {
  const token = { ...newToken(), user_id: id };
  if (!reset) return store.getOrCreateToken(token);
  await store.replaceToken(token);
  return token.key;
}
