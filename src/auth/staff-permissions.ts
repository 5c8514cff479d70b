/**
 * The permissions of staff on other users, a small form of Django's. Staff sees all users and acts on those
 * who have no rights themselves. Only superusers act on staff and on superusers, and change rights. No
 * user can take away their own access, and the last active superuser stays one.
 */
import type { User } from './users.ts';

export const ACTS = [
  'edit',
  'activate',
  'deactivate',
  'end_sessions',
  'reset_password',
  'set_rights',
  'delete',
] as const;

export type Act = (typeof ACTS)[number];

/** Acts by which a superuser could lock itself out. */
const NOT_ON_ONESELF: Act[] = ['deactivate', 'set_rights', 'delete'];

export type ActRefusal =
  | { kind: 'permission-denied' }
  | { kind: 'own-account' }
  | { kind: 'last-superuser' };

/** Why a member of staff may not do this to this user; undefined if it may. */
export function refusalOf(
  actor: User,
  target: Pick<User, 'id' | 'is_staff' | 'is_superuser'>,
  act: Act,
): ActRefusal | undefined {
  const needsSuperuser = act === 'set_rights' || target.is_staff || target.is_superuser;
  if (needsSuperuser && !actor.is_superuser) return { kind: 'permission-denied' };
  const isLockOut = actor.id === target.id && NOT_ON_ONESELF.includes(act);
  return isLockOut ? { kind: 'own-account' } : undefined;
}
