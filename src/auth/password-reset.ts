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
import { checkToken, decodeUid, type LinkSettings } from './link-tokens.ts';
import { type PasswordRefused, validatePassword } from './password-validators.ts';

/** djoser's `invalid_uid` and `invalid_token`. Only the log distinguishes an inactive user. */
export type InvalidLink =
  | { kind: 'invalid-uid' }
  | { kind: 'invalid-link-token'; userId: number }
  | { kind: 'inactive-user'; userId: number };

/**
 * Writes a message with a link for each active user of this address whose password is usable.
 *
 * @returns undefined if there is no such user
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
 * Sets a new password and deletes the user's token, both or neither. The link is not valid
 * afterwards.
 *
 * @returns the user
 */
export async function resetPassword(
  { store, hashing, settings }: AuthServices,
  { uid, token, new_password }: Link & { new_password: string },
  linkSettings: LinkSettings,
): Promise<Result<Addressee & { id: number }, InvalidLink | PasswordRefused>> {
  const { passwordValidators } = settings;
  const refused = (messages: string[]) =>
    err({ kind: 'password-refused' as const, field: 'new_password' as const, messages });

  // djoser validates the password before it checks the link.
  const messages = await validatePassword(new_password, undefined, passwordValidators);
  if (messages.length > 0) return refused(messages);
  const id = decodeUid(uid);
  const user = id === undefined ? undefined : await store.findUserById(id);
  if (!user) return err({ kind: 'invalid-uid' });
  const invalidToken = err({ kind: 'invalid-link-token' as const, userId: user.id });
  if (!checkToken('passwordReset', user, token, linkSettings, new Date())) return invalidToken;
  if (!user.is_active) return err({ kind: 'inactive-user', userId: user.id });
  const ownMessages = await validatePassword(new_password, user, passwordValidators);
  if (ownMessages.length > 0) return refused(ownMessages);

  const encoded = await hashing.makePassword(new_password);
  const isReset = await store.replacePasswordAndDeleteToken(user.id, user.password, encoded);
  // Another request with this link, or another change of the password, came first.
  return isReset ? ok(user) : invalidToken;
}
