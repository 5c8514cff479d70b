/** Acts of a caller on the user whose id is in the path. */
import { type Act, refusalOf } from '../auth/staff-permissions.ts';
import type { Authenticated } from '../auth/tokens.ts';
import type { User } from '../auth/users.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { AppContext } from './context.ts';
import type { Failure } from './errors.ts';
import { audit } from './security-log.ts';

/** A caller, and the user of the path. */
export type OfUser = Authenticated & { target: User };

/** The id in the path; undefined if no user can have it. */
export function idOf(c: AppContext): number | undefined {
  const id = Number(c.req.param('id'));
  return Number.isSafeInteger(id) ? id : undefined;
}

export async function findTarget(c: AppContext): Promise<User | undefined> {
  const id = idOf(c);
  return id === undefined ? undefined : c.var.store.findProfile(id);
}

/** Refuses an act of staff that is not allowed, and logs the attempt. */
export function checkAct(
  c: AppContext,
  actor: User,
  target: User,
  act: Act,
): Result<undefined, Failure> {
  const refusal = refusalOf(actor, target, act);
  if (!refusal) return ok(undefined);
  const { kind: reason } = refusal;
  audit(c, { event: 'staff-act-refused', user_id: target.id, act, reason }, actor.id);
  return err(refusal);
}
