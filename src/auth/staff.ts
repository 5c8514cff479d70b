/** The acts of staff on other users. Their permissions are in staff-permissions.ts. */
import { identifyPassword } from '../hashing/identify.ts';
import { djangoDatetime } from '../lib/django-datetime.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { inspectionQueries } from '../store/inspection.ts';
import { type Rights, staffQueries } from '../store/staff.ts';
import { staffListQueries, type UserSearch } from '../store/staff-list.ts';
import { normalizeUsername } from '../validation/normal-form.ts';
import type { AuthServices } from './auth-services.ts';
import { checkOwnPassword, type InvalidPassword } from './own-account.ts';
import type { TooManyFailures } from './password-attempts.ts';
import { ACTS, type Act, type ActRefusal, refusalOf } from './staff-permissions.ts';
import type { Authenticated } from './tokens.ts';
import type { User } from './users.ts';

export { isUserFilter, USER_FILTERS, type UserFilter } from '../store/staff-list.ts';
export type { Rights, UserSearch };

/** A user as staff sees it, without the password and the key of the token. */
export type SeenUser = NonNullable<Awaited<ReturnType<typeof findUser>>>;

export const findUser = ({ store }: AuthServices, id: number) =>
  store.using(staffListQueries).findUser(id);

/** The acts that are allowed, and make sense for a user in this state. */
export const actsOn = (actor: User, target: SeenUser, sendsMail: boolean): Act[] =>
  ACTS.filter((act) => {
    if (refusalOf(actor, target, act)) return false;
    if (act === 'activate') return !target.is_active;
    if (act === 'deactivate') return target.is_active;
    if (act === 'end_sessions') return target.token_created !== null;
    return act !== 'reset_password' || (sendsMail && getsResetLink(target));
  });

/** Whether a request for a password reset would find the user (`PasswordResetForm.get_users`). */
export const getsResetLink = ({ is_active, email, has_usable_password }: SeenUser): boolean =>
  is_active && email !== '' && has_usable_password;

/** Lists users. A username is searched in its stored form. */
export const listUsers = ({ store }: AuthServices, search: UserSearch) =>
  store.using(staffListQueries).listUsers({
    ...search,
    search: search.by === 'username' ? normalizeUsername(search.search) : search.search,
  });

type HasId = Pick<User, 'id'>;

export const activateUser = ({ store }: AuthServices, { id }: HasId): Promise<void> =>
  store.changeUser(id, () => store.using(staffQueries).activate(id));

/** Deletes the tokens of a user, who may log in again. */
export const endSessions = ({ store }: AuthServices, { id }: HasId): Promise<void> =>
  store.deleteTokens(id);

/**
 * Deactivates a user. The tokens are refused from now on, and a link for the activation does not activate the
 * user again.
 */
export async function deactivateUser(
  { store }: AuthServices,
  { id }: HasId,
): Promise<Result<undefined, { kind: 'last-superuser' }>> {
  const now = djangoDatetime(new Date());
  const isDone = await store.changeUser(id, () => store.using(staffQueries).deactivate(id, now));
  return isDone ? ok(undefined) : err({ kind: 'last-superuser' });
}

/**
 * Sets "Staff status" and "Superuser status", with the password of the actor. A superuser is staff too
 * (`UserManager.create_superuser`).
 */
export async function setUserRights(
  services: AuthServices,
  actor: Authenticated,
  { id }: User,
  { is_staff, is_superuser }: Rights,
  currentPassword: string,
): Promise<Result<Rights, ActRefusal | TooManyFailures | InvalidPassword>> {
  const checked = await checkOwnPassword(services, actor, currentPassword);
  if (!checked.ok) return checked;
  const rights = { is_staff: is_staff || is_superuser, is_superuser };
  const { store } = services;
  const isDone = await store.changeUser(id, () => store.using(staffQueries).setRights(id, rights));
  return isDone ? ok(rights) : err({ kind: 'last-superuser' });
}

/** Deletes another user and its tokens, all or nothing, with the password of the actor. */
export async function deleteUserAsStaff(
  services: AuthServices,
  actor: Authenticated,
  target: User,
  currentPassword: string,
): Promise<
  Result<undefined, ActRefusal | TooManyFailures | InvalidPassword | { kind: 'user-referenced' }>
> {
  const checked = await checkOwnPassword(services, actor, currentPassword);
  if (!checked.ok) return checked;
  const outcome = await services.store.deleteUserAsStaff(target.id);
  if (outcome === 'referenced') return err({ kind: 'user-referenced' });
  return outcome === 'deleted' ? ok(undefined) : err({ kind: 'last-superuser' });
}

/** The data of the checks for staff. */
export async function inspectDatabase({ store, settings }: AuthServices) {
  const { missingIndexes, passwordGroups } = store.using(inspectionQueries);
  const groups = await passwordGroups();
  return {
    missingIndexes: await missingIndexes(),
    /** Of the newest users. */
    passwords: groups.map(({ users, sample }) => ({
      users,
      password: identifyPassword(sample, settings.passwordHashers),
    })),
  };
}
