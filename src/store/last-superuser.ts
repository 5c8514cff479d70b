import { sql } from 'drizzle-orm';
import { authUser } from './schema.ts';

/**
 * A condition of a change of a user: an active superuser is left without this user. As a part of the
 * statement, it also holds if two superusers change each other at the same time.
 */
export const isNotLastSuperuser = sql`(not (${authUser.is_superuser} and ${authUser.is_active}) or exists (
  select 1 from auth_user as other indexed by auth_user_superuser
   where other.is_superuser and other.is_active and other.id <> ${authUser.id}))`;
