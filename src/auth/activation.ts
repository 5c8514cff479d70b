/**
 * Verifies an address before the first login (djoser's activation). In Django, a user who has not
 * activated the account is an ordinary inactive user.
 *
 * A user who was never active has no last login and no token. Activation sets the last login. So a
 * link works once, and a user who was deactivated later cannot activate the account.
 */
import { djangoDatetime } from '../lib/django-datetime.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { normalizeUsername } from '../validation/normal-form.ts';
import {
  type Addressee,
  type Link,
  type LinkRequest,
  type LinkServices,
  MAX_RECIPIENTS,
  type Outgoing,
  writeLink,
  writeLinks,
} from './account-mail.ts';
import type { AuthServices } from './auth-services.ts';
import { checkToken, decodeUid, type LinkSettings } from './link-tokens.ts';
import type { InvalidLink } from './password-reset.ts';

/** djoser's `stale_token`: this account does not need activation. */
export type StaleLink = { kind: 'stale-link'; userId: number };

type Activatable = { is_active: boolean; last_login: string | null; has_token: boolean };

const wasNeverActive = ({ is_active, last_login, has_token }: Activatable): boolean =>
  !is_active && last_login === null && !has_token;

/**
 * Writes a message with a link for each user of this address who was never active and whose
 * password is usable.
 *
 * @returns undefined if there is no such user
 * @internal
 */
export async function writeActivations(
  { store }: AuthServices,
  request: LinkRequest,
  services: LinkServices,
): Promise<Outgoing | undefined> {
  const { email, username } = request;
  const name = normalizeUsername(username);
  const users = await store.findUsersToActivate(email, name, MAX_RECIPIENTS);
  return writeLinks('activation', users, request, services);
}

/**
 * Writes the activation message of a new user.
 *
 * @returns undefined if the user no longer exists
 * @internal
 */
export async function writeFirstActivation(
  { store }: AuthServices,
  userId: number,
  services: LinkServices,
): Promise<Outgoing | undefined> {
  const user = await store.findUserById(userId);
  return user && writeLink('activation', user, services);
}

/**
 * Makes the user of a link active.
 *
 * @returns the user
 * @internal
 */
export async function activate(
  { store }: AuthServices,
  { uid, token }: Link,
  linkSettings: LinkSettings,
): Promise<Result<Addressee & { id: number }, InvalidLink | StaleLink>> {
  const id = decodeUid(uid);
  const user = id === undefined ? undefined : await store.findUserById(id);
  if (!user) return err({ kind: 'invalid-uid' });
  const userId = user.id;
  const now = new Date();
  // Check the token against the user as registered, so that a used link is stale and not invalid.
  const asRegistered = { ...user, last_login: null };
  if (!checkToken('activation', asRegistered, token, linkSettings, now)) {
    return err({ kind: 'invalid-link-token', userId });
  }
  // A user with a token and a last login has logged in since. For djoser the link has expired then.
  if (user.is_active && user.has_token && user.last_login !== null) {
    return err({ kind: 'invalid-link-token', userId });
  }
  const isActivated =
    wasNeverActive(user) && (await store.activateUser(userId, djangoDatetime(now)));
  return isActivated ? ok(user) : err({ kind: 'stale-link', userId });
}
