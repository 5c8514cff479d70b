/** All queries of a database, as functions with prepared statements. */
import { drizzle } from 'drizzle-orm/d1';
import type { Settings } from '../settings.ts';
import { runRead } from './d1-errors.ts';
import { linkQueries } from './links.ts';
import { passwordQueries } from './passwords.ts';
import { tokenQueries } from './tokens.ts';
import { userQueries } from './users.ts';

export type Queries = ReturnType<typeof queries>;

export function queries(d1: D1Database, tokenReads: Settings['tokenReads']) {
  const db = drizzle(d1);
  // Reads no row, but fails if a table is missing.
  const selectNothing = d1.prepare('SELECT 1 FROM auth_user, authtoken_token WHERE false');
  return {
    ...userQueries(d1, db),
    ...passwordQueries(d1, db),
    ...linkQueries(d1, db),
    ...tokenQueries(d1, db, tokenReads),

    /** Creates queries that only some apps have, so that the others do without their code. */
    using: <T>(create: (d1: D1Database) => T): T => create(d1),

    /** Runs a change of a user by such a query. */
    changeUser: <T>(_id: number, change: () => Promise<T>): Promise<T> => change(),

    /**
     * Checks whether the database responds and has its tables.
     *
     * @throws ServiceUnavailable, or another error of D1
     */
    ping: () => runRead(() => selectNothing.run()),
  };
}
