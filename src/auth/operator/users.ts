/**
 * The rules of Django's and DRF's management commands. Only the command line may use this module: it
 * checks no password and does not invalidate token caches.
 */

import { UNUSABLE_PREFIX } from '../../hashing/identify.ts';
import type { PasswordHashing } from '../../hashing/password-hashing.ts';
import { getRandomString } from '../../hashing/random-string.ts';
import { djangoDatetime } from '../../lib/django-datetime.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { OperatorStore } from '../../store/operator/users.ts';
import { normalizeEmail, normalizeUsername } from '../../validation/normal-form.ts';
import { newToken } from '../tokens.ts';
import type { User } from '../users.ts';

/** Characters after the `!` (django/contrib/auth/hashers.py, `UNUSABLE_PASSWORD_SUFFIX_LENGTH`). */
const UNUSABLE_SUFFIX_LENGTH = 40;

/** A user as an operator sees it, without the password. */
export type FoundUser = User;

type UserToCreate = {
  username: string;
  email: string;
  /** Undefined for a user who cannot log in until an operator sets a password. */
  password: string | undefined;
  /** A superuser is staff too (`UserManager.create_superuser`). */
  isSuperuser: boolean;
};

/**
 * Creates an active user (`create_user`, `create_superuser`). As in Django it has no token; its
 * first login makes one.
 */
export async function createUser(
  store: OperatorStore,
  hashing: PasswordHashing,
  { username, email, password, isSuperuser }: UserToCreate,
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

/** The user of exactly this name, or of its NFKC form: an imported name may be in another form. */
export async function findUser(
  store: OperatorStore,
  username: string,
): Promise<FoundUser | undefined> {
  return (await store.findUser(username)) ?? store.findUser(normalizeUsername(username));
}

/** Gives the user a new password (`set_password`). Its token stays. */
export async function setUserPassword(
  store: OperatorStore,
  hashing: PasswordHashing,
  { id }: FoundUser,
  password: string,
): Promise<void> {
  await store.setPassword(id, await hashing.makePassword(password));
}

/**
 * Returns the user's token. Creates one if there is none (rest_framework/authtoken/management/commands).
 *
 * @param reset whether to replace an existing token
 * @returns the token's key
 */
export async function createUserToken(
  store: OperatorStore,
  { id }: FoundUser,
  { reset }: { reset: boolean },
): Promise<string> {
  const token = { ...newToken(), user_id: id };
  if (!reset) return store.getOrCreateToken(token);
  await store.replaceToken(token);
  return token.key;
}

/**
 * Activates or deactivates a user. Deactivation also sets a last login if there is none. Without it an
 * activation link could activate the user again (auth/activation.ts).
 */
export async function setUserActive(
  store: OperatorStore,
  { id }: FoundUser,
  isActive: boolean,
): Promise<void> {
  if (isActive) await store.activate(id);
  else await store.deactivate(id, djangoDatetime(new Date()));
}

/** Whether no other active user is a superuser. */
export async function isLastSuperuser(
  store: OperatorStore,
  { id, is_active, is_superuser }: FoundUser,
): Promise<boolean> {
  return is_active && is_superuser && !(await store.hasOtherSuperuser(id));
}

/** "Staff status" and "Superuser status" in Django's admin. */
export type Right = 'staff' | 'superuser';

/** Grants or withdraws a right. A superuser is staff too (`UserManager.create_superuser`). */
export async function setUserRight(
  store: OperatorStore,
  { id }: FoundUser,
  right: Right,
  isGranted: boolean,
): Promise<void> {
  if (right === 'staff') await store.setRights(id, { is_staff: isGranted });
  else if (isGranted) await store.setRights(id, { is_staff: true, is_superuser: true });
  else await store.setRights(id, { is_superuser: false });
}

/**
 * Changes the address. Links that were sent before are no longer valid (auth/link-tokens.ts).
 *
 * @returns the stored address: its domain is in lower case
 */
export async function setUserEmail(
  store: OperatorStore,
  { id }: FoundUser,
  email: string,
): Promise<string> {
  const stored = normalizeEmail(email);
  await store.setEmail(id, stored);
  return stored;
}
