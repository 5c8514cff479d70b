/** All queries of a database, as functions with prepared statements. */
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type { Settings } from '../settings.ts';
import { runRead } from './d1-errors.ts';
import { knoxUpkeepQueries } from './knox.ts';
import { linkQueries } from './links.ts';
import { passwordQueries } from './passwords.ts';
import { revocationQueries, type TokenQueries } from './tokens.ts';
import { userQueries } from './users.ts';

export type Queries = ReturnType<typeof queries>;

/** Prepares the queries of a token model: `authtokenQueries` or `knoxQueries`. */
export type TokenQueriesOf = (
  d1: D1Database,
  db: DrizzleD1Database,
  reads: Settings['tokenReads'],
) => TokenQueries;

export function queries(
  d1: D1Database,
  tokenReads: Settings['tokenReads'],
  tokenQueriesOf: TokenQueriesOf,
) {
  const db = drizzle(d1);
  const { insertTokenOfUsername, insertTokenIfPassword, ...tokenQueries } = tokenQueriesOf(
    d1,
    db,
    tokenReads,
  );
  // Reads no row, but fails if a table is missing.
  const selectNothing = d1.prepare(
    'SELECT 1 FROM auth_user, authtoken_token, knox_authtoken WHERE false',
  );
  return {
    ...userQueries(d1, db, insertTokenOfUsername),
    ...passwordQueries(d1, db, insertTokenIfPassword),
    ...linkQueries(d1, db),
    ...tokenQueries,
    ...revocationQueries(d1, db),
    ...knoxUpkeepQueries(d1),

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
