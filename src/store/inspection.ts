/** Queries of the checks that staff sees. Each reads a bounded number of rows. */
import { runRead } from './d1-errors.ts';
import { type PasswordGroup, passwordGroups } from './password-groups.ts';
import { STAFF_INDEXES } from './staff-list.ts';

/** Users whose passwords are looked at. */
export const INSPECTED_USERS = 10_000;

const NEWEST_USERS = `(SELECT password FROM auth_user ORDER BY id DESC LIMIT ${INSPECTED_USERS})`;

export const inspectionQueries = (d1: D1Database) => ({
  /** The names of our indexes that the database does not have. The last migrations have not run then. */
  async missingIndexes(): Promise<string[]> {
    const select = d1
      .prepare(
        `SELECT value FROM json_each(?)
          WHERE value NOT IN (SELECT name FROM sqlite_master WHERE type = 'index')`,
      )
      .bind(JSON.stringify(['auth_user_email_nocase', ...STAFF_INDEXES]));
    const { results } = await runRead(() => select.all<{ value: string }>());
    return results.map(({ value }) => value);
  },

  /** The passwords of the newest users by kind. */
  async passwordGroups(): Promise<PasswordGroup[]> {
    const select = d1.prepare(passwordGroups(NEWEST_USERS, 'true'));
    return (await runRead(() => select.all<PasswordGroup>())).results;
  },
});
