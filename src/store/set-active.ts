import { eq, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import { authUser } from './schema.ts';

/**
 * Activates or deactivates a user.
 *
 * @param now at a deactivation, the last login of a user who has none yet. Django's datetime text
 * @returns whether the user exists
 */
export async function setActive(
  db: DrizzleD1Database,
  id: number,
  isActive: boolean,
  now: string,
): Promise<boolean> {
  const lastLogin = isActive ? {} : { last_login: sql`coalesce(${authUser.last_login}, ${now})` };
  const { meta } = await db
    .update(authUser)
    .set({ is_active: isActive, ...lastLogin })
    .where(eq(authUser.id, id))
    .run();
  return meta.changes > 0;
}
