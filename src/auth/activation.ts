/**
 * Addresses that are verified before the first login (djoser's activation). To Django such a user
 * is an ordinary inactive one.
 *
 * Who was never active has neither a last login nor a token; an activation sets the last login.
 * So its link works once, and who was deactivated later cannot activate himself.
 */
import { djangoDatetime } from '../django-datetime.ts';
import { err, ok, type Result } from '../result.ts';
import {
  type Delivery,
  isReachable,
  type Link,
  type LinkServices,
  MAX_USERS_PER_ADDRESS,
  sendLinks,
} from './account-mail.ts';
import type { AuthServices } from './auth-services.ts';
import { checkToken, decodeUid } from './link-tokens.ts';
import type { InvalidLink } from './password-reset.ts';

/** djoser's `stale_token`: this user does not wait for an activation. */
export type StaleLink = { kind: 'stale-link'; userId: number };

type Activatable = { is_active: boolean; last_login: string | null; token_key: string | null };

const wasNeverActive = ({ is_active, last_login, token_key }: Activatable): boolean =>
  !is_active && last_login === null && token_key === null;

/**
 * Sends a link to each user of this address who was never active and whose password is usable.
 *
 * @returns what became of each message; empty where there is no such user
 */
export async function sendActivations(
  { store }: AuthServices,
  { mail, links }: LinkServices,
  email: string,
): Promise<Delivery[]> {
  const users = await store.findUsersByEmail(email, MAX_USERS_PER_ADDRESS);
  const recipients = users.filter((user) => wasNeverActive(user) && isReachable(user, email));
  return sendLinks(recipients, mail.activation, links);
}

/** Sends the user who has just registered a link. */
export async function sendFirstActivation(
  { store }: AuthServices,
  { mail, links }: LinkServices,
  userId: number,
): Promise<Delivery[]> {
  const user = await store.findUserById(userId);
  return sendLinks(user ? [user] : [], mail.activation, links);
}

/**
 * Makes the user of a link active.
 *
 * @returns the user's id
 */
export async function activate(
  { store }: AuthServices,
  { links }: LinkServices,
  { uid, token }: Link,
): Promise<Result<number, InvalidLink | StaleLink>> {
  const id = decodeUid(uid);
  const user = id === undefined ? undefined : await store.findUserById(id);
  if (!user) return err({ kind: 'invalid-uid' });
  const userId = user.id;
  const now = new Date();
  // As it was when the link was made, so that a link used before is stale and not invalid.
  const asRegistered = { ...user, last_login: null };
  if (!checkToken(asRegistered, token, links, now)) {
    return err({ kind: 'invalid-link-token', userId });
  }
  const isActivated =
    wasNeverActive(user) && (await store.activateUser(userId, djangoDatetime(now)));
  return isActivated ? ok(userId) : err({ kind: 'stale-link', userId });
}
