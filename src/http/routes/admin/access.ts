/** The users who may call the routes of the staff page. */
import type { Act } from '../../../auth/staff-permissions.ts';
import type { Authenticated } from '../../../auth/tokens.ts';
import { err, ok } from '../../../lib/result.ts';
import { checkAct, findTarget, type OfUser } from '../../act-on-user.ts';
import { type Access, currentlyAuthenticated } from '../../route.ts';

/** A member of staff (rest_framework/permissions.py, `IsAdminUser`). */
export const staff: Access<Authenticated> = {
  ...currentlyAuthenticated,
  async identify(c) {
    const caller = await currentlyAuthenticated.identify(c);
    if (!caller.ok || caller.value.user.is_staff) return caller;
    return err({ kind: 'permission-denied' });
  },
};

/** Staff that may do this to the user of the path. The user is looked for before the body is read. */
export const staffTo = (act: Act): Access<OfUser> => ({
  ...staff,
  async identify(c) {
    const caller = await staff.identify(c);
    if (!caller.ok) return caller;
    const target = await findTarget(c);
    if (!target) return err({ kind: 'not-found' });
    const allowed = checkAct(c, caller.value.user, target, act);
    return allowed.ok ? ok({ ...caller.value, target }) : allowed;
  },
});
