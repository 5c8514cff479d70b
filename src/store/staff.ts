/** The changes by staff. The last active superuser stays one. */
import { and, eq, or, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { runWriteWithRetry } from './d1-errors.ts';
import { isNotLastSuperuser } from './last-superuser.ts';
import { authtokenToken, authUser } from './schema.ts';

/**
 * The columns of a user who was deactivated. Without a last login an activation link could activate the
 * user again (auth/activation.ts).
 *
 * @param now the last login of a user who has none, as Django's datetime string
 */
export const deactivated = (now: string) => ({
  is_active: false,
  last_login: sql`coalesce(${authUser.last_login}, ${now})`,
});

export type Rights = { is_staff: boolean; is_superuser: boolean };

/** Call each within `changeUser` of the store, so that token caches learn of the change. */
export function staffQueries(d1: D1Database) {
  const db = drizzle(d1);

  return {
    async activate(id: number): Promise<void> {
      const change = db.update(authUser).set({ is_active: true }).where(eq(authUser.id, id));
      await runWriteWithRetry(() => change.run());
    },

    /**
     * @param now see `deactivated`
     * @returns false for the last active superuser, who stays, or if there is no such user
     */
    async deactivate(id: number, now: string): Promise<boolean> {
      const change = db
        .update(authUser)
        .set(deactivated(now))
        .where(and(eq(authUser.id, id), isNotLastSuperuser));
      const { meta } = await runWriteWithRetry(() => change.run());
      return meta.changes > 0;
    },

    /** @returns false for the last active superuser, who stays one, or if there is no such user */
    async setRights(id: number, rights: Rights): Promise<boolean> {
      const isAllowed = or(sql`${rights.is_superuser}`, isNotLastSuperuser);
      const change = db
        .update(authUser)
        .set(rights)
        .where(and(eq(authUser.id, id), isAllowed));
      const { meta } = await runWriteWithRetry(() => change.run());
      return meta.changes > 0;
    },

    /** Ends the sessions of a user, who may log in again. */
    async deleteToken(id: number): Promise<void> {
      const change = db.delete(authtokenToken).where(eq(authtokenToken.user_id, id));
      await runWriteWithRetry(() => change.run());
    },
  };
}
