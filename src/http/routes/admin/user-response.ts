import { actsOn, findUser } from '../../../auth/staff.ts';
import type { User } from '../../../auth/users.ts';
import { err } from '../../../lib/result.ts';
import type { AppContext } from '../../context.ts';
import { NO_STORE } from '../../no-store.ts';
import { byEmail, isEnabled } from '../../route.ts';

/** The user with this id as it is stored, and what the member of staff may do. */
export async function userResponse(c: AppContext, actor: User, id: number | undefined) {
  const user = id === undefined ? undefined : await findUser(c.var, id);
  if (!user) return err({ kind: 'not-found' as const });
  return c.json({ ...user, acts: actsOn(actor, user, isEnabled(byEmail, c.var)) }, 200, NO_STORE);
}
