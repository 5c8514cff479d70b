/**
 * From a forgotten password to a new one, by a link in an e-mail
 * (django/contrib/auth/forms.py `PasswordResetForm`, djoser/serializers.py).
 */
import { err, ok, type Result } from '../result.ts';
import {
  type Addressee,
  type Delivery,
  isReachable,
  type Link,
  type LinkServices,
  MAX_USERS_PER_ADDRESS,
  sendLinks,
} from './account-mail.ts';
import type { AuthServices } from './auth-services.ts';
import { checkToken, decodeUid } from './link-tokens.ts';
import { type PasswordRefused, validatePassword } from './passwords/validators.ts';

/** djoser's `invalid_uid` and `invalid_token`. */
export type InvalidLink = { kind: 'invalid-uid' } | { kind: 'invalid-link-token'; userId: number };

/**
 * Sends a link to each active user of this address whose password is usable. It goes to the address
 * that is stored, never to the one that was typed (CVE-2019-19844).
 *
 * @returns what became of each message; empty where nobody has the address
 */
export async function sendPasswordResets(
  { store }: AuthServices,
  { mail, links }: LinkServices,
  email: string,
): Promise<Delivery[]> {
  const users = await store.findUsersByEmail(email, MAX_USERS_PER_ADDRESS);
  const recipients = users.filter((user) => user.is_active && isReachable(user, email));
  return sendLinks(recipients, mail.passwordReset, links);
}

/**
 * Sets a new password by a link, and deletes the token, both or neither. The link is void then.
 *
 * @returns the user
 */
export async function resetPassword(
  { store, hashing, settings }: AuthServices,
  { links }: LinkServices,
  { uid, token, new_password }: Link & { new_password: string },
): Promise<Result<Addressee & { id: number }, InvalidLink | PasswordRefused>> {
  const { passwordValidators } = settings;
  const refused = (sentences: string[]) =>
    err({ kind: 'password-refused' as const, field: 'new_password' as const, sentences });

  // djoser looks at the password before it knows whose it is.
  const sentences = await validatePassword(new_password, undefined, passwordValidators);
  if (sentences.length > 0) return refused(sentences);
  const id = decodeUid(uid);
  const user = id === undefined ? undefined : await store.findUserById(id);
  if (!user) return err({ kind: 'invalid-uid' });
  const invalidToken = err({ kind: 'invalid-link-token' as const, userId: user.id });
  if (!checkToken(user, token, links, new Date())) return invalidToken;
  const ownSentences = await validatePassword(new_password, user, passwordValidators);
  if (ownSentences.length > 0) return refused(ownSentences);

  const encoded = await hashing.makePassword(new_password);
  const isReset = await store.replacePasswordAndDeleteToken(user.id, user.password, encoded);
  // Another request with this link, or a change of the password, was faster.
  return isReset ? ok(user) : invalidToken;
}
