/**
 * Resets a forgotten password by a link in an e-mail (django/contrib/auth/forms.py
 * `PasswordResetForm`, djoser/serializers.py).
 */
import { err, ok, type Result } from '../lib/result.ts';
import { normalizeUsername } from '../validation/normal-form.ts';
import {
  type Addressee,
  type Link,
  type LinkRequest,
  type LinkServices,
  MAX_RECIPIENTS,
  type Outgoing,
  writeLinks,
} from './account-mail.ts';
import type { AuthServices } from './auth-services.ts';
import { checkToken, decodeUid, type LinkPurpose, type LinkSettings } from './link-tokens.ts';
import { replacementOf } from './own-account.ts';
import {
  type PasswordMismatch,
  type PasswordRefused,
  validatePassword,
} from './password-validators.ts';

/** djoser's `invalid_uid` and `invalid_token`. Only the log distinguishes an inactive user. */
export type InvalidLink =
  | { kind: 'invalid-uid' }
  | { kind: 'invalid-link-token'; userId: number }
  | { kind: 'inactive-user'; userId: number };

/**
 * Writes a message with a link for each active user of this address whose password is usable.
 *
 * @returns undefined if there is no such user
 * @internal
 */
export async function writePasswordResets(
  { store }: AuthServices,
  request: LinkRequest,
  services: LinkServices,
): Promise<Outgoing | undefined> {
  const { email, username } = request;
  const users = await store.findUsersToReset(email, normalizeUsername(username), MAX_RECIPIENTS);
  return writeLinks('passwordReset', users, request, services);
}

/**
 * Sets a new password and deletes the user's tokens, both or neither. The link is not valid
 * afterwards.
 *
 * @returns the user
 */
export async function resetPassword(
  services: AuthServices,
  { new_password, ...link }: Link & { new_password: string },
  linkSettings: LinkSettings,
): Promise<Result<Addressee & { id: number }, InvalidLink | PasswordRefused>> {
  const { store, settings } = services;
  // djoser validates the password before it checks the link.
  const messages = await validatePassword(new_password, undefined, settings.passwordValidators);
  if (messages.length > 0) return refused(messages);
  const user = await findUserOfLink(services, link, linkSettings);
  if (!user.ok) return user;
  return setPassword(services, user.value, new_password, store.replacePasswordAndDeleteToken);
}

/**
 * Sets a new password that was sent twice. The link is not valid afterwards. The tokens stay valid,
 * unless `LOGOUT_ON_PASSWORD_CHANGE` is on (dj_rest_auth/serializers.py,
 * `PasswordResetConfirmSerializer`).
 *
 * @returns the user
 */
export async function setPasswordByLink(
  services: AuthServices,
  {
    new_password1,
    new_password2,
    ...link
  }: Link & Record<'new_password1' | 'new_password2', string>,
  linkSettings: LinkSettings,
): Promise<Result<Addressee & { id: number }, InvalidLink | PasswordMismatch | PasswordRefused>> {
  const user = await findUserOfLink(services, link, linkSettings);
  if (!user.ok) return user;
  if (new_password1 !== new_password2) return err({ kind: 'password-mismatch' });
  return setPassword(services, user.value, new_password1, replacementOf(services));
}

const refused = (messages: string[]) =>
  err({ kind: 'password-refused' as const, field: 'new_password' as const, messages });

/** @internal */
type UserOfLink = NonNullable<Awaited<ReturnType<AuthServices['store']['findUserById']>>>;

/**
 * The active user of a valid link of a purpose.
 *
 * @internal
 */
export async function findUserOfLink(
  { store }: AuthServices,
  { uid, token }: Link,
  linkSettings: LinkSettings,
  purpose: LinkPurpose = 'passwordReset',
): Promise<Result<UserOfLink, InvalidLink>> {
  const id = decodeUid(uid);
  const user = id === undefined ? undefined : await store.findUserById(id);
  if (!user) return err({ kind: 'invalid-uid' });
  const userId = user.id;
  if (!checkToken(purpose, user, token, linkSettings, new Date())) {
    return err({ kind: 'invalid-link-token', userId });
  }
  return user.is_active ? ok(user) : err({ kind: 'inactive-user', userId });
}

/** @param replace replaces the stored password if it is still the one of the link */
async function setPassword(
  { hashing, settings }: AuthServices,
  user: UserOfLink,
  newPassword: string,
  replace: (id: number, password: string, newPassword: string) => Promise<boolean>,
): Promise<Result<UserOfLink, InvalidLink | PasswordRefused>> {
  const messages = await validatePassword(newPassword, user, settings.passwordValidators);
  if (messages.length > 0) return refused(messages);
  const isReset = await replace(user.id, user.password, await hashing.makePassword(newPassword));
  // Another request with this link, or another change of the password, came first.
  return isReset ? ok(user) : err({ kind: 'invalid-link-token', userId: user.id });
}
