/**
 * Sets a new username by a link in an e-mail (djoser/serializers.py, `UsernameResetConfirmSerializer`).
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
  writeLinks,
} from './account-mail.ts';
import type { AuthServices } from './auth-services.ts';
import { isSameSecond, type LinkSettings } from './link-tokens.ts';
import { findUserOfLink, type InvalidLink } from './password-reset.ts';

const MS_PER_SECOND = 1000;

/**
 * Writes a message with a link for each active user of this address whose password is usable.
 *
 * @returns undefined if there is no such user
 */
export async function writeUsernameResets(
  { store }: AuthServices,
  request: LinkRequest,
  services: LinkServices,
): Promise<Outgoing | undefined> {
  const { email, username } = request;
  const users = await store.findUsersToReset(email, normalizeUsername(username), MAX_RECIPIENTS);
  return writeLinks('usernameReset', users, request, services);
}

/**
 * Sets a new username and the last login, both or neither. The link is not valid afterwards, because it
 * depends on the last login. The tokens stay valid.
 *
 * @returns the user with the new username
 */
export async function resetUsername(
  services: AuthServices,
  { new_username, ...link }: Link & { new_username: string },
  linkSettings: LinkSettings,
): Promise<Result<Addressee & { id: number }, InvalidLink | { kind: 'username-taken' }>> {
  const found = await findUserOfLink(services, link, linkSettings, 'usernameReset');
  if (!found.ok) return found;
  const user = found.value;
  // In djoser one's own username is taken, too.
  if (user.username === new_username) return err({ kind: 'username-taken' });
  const outcome = await services.store.renameByLink(user, new_username, loginAfter(user));
  if (outcome === 'username-taken') return err({ kind: outcome });
  // Another request with this link, or another change of the user, came first.
  if (outcome === 'changed') return err({ kind: 'invalid-link-token', userId: user.id });
  return ok({ id: user.id, username: new_username, email: user.email });
}

/** Links depend on the whole seconds of the last login, so the new one is in another second. */
function loginAfter({ last_login }: { last_login: string | null }): string {
  const now = new Date();
  const moment = djangoDatetime(now);
  return last_login !== null && isSameSecond(moment, last_login)
    ? djangoDatetime(new Date(now.getTime() + MS_PER_SECOND))
    : moment;
}
