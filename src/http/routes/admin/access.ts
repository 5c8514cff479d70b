/** The users who may call the routes of the staff page. */
import { type Act, refusalOf } from '../../../auth/staff.ts';
import type { Authenticated } from '../../../auth/tokens.ts';
import type { User } from '../../../auth/users.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import type { AppContext } from '../../context.ts';
import type { Failure } from '../../errors.ts';
import { type Access, staff } from '../../route.ts';
import { audit } from '../../security-log.ts';

/** The user of the path. */
export type OfUser = Authenticated & { target: User };

/** Staff that may do this to the user of the path. The user is looked for before the body is read. */
export const staffTo = (act: Act): Access<OfUser> => ({
  ...staff,
  async identify(c) {
    const caller = await staff.identify(c);
    if (!caller.ok) return caller;
    const id = idOf(c);
    const target = id === undefined ? undefined : await c.var.store.findProfile(id);
    if (!target) return err({ kind: 'not-found' });
    const allowed = checkAct(c, caller.value.user, target, act);
    return allowed.ok ? ok({ ...caller.value, target }) : allowed;
  },
});

/** The id in the path; undefined if no user can have it. */
export function idOf(c: AppContext): number | undefined {
  const id = Number(c.req.param('id'));
  return Number.isSafeInteger(id) ? id : undefined;
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
