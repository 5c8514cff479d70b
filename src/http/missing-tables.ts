import { isLoopback } from '../lib/loopback.ts';
import { MissingTables } from '../lib/missing-tables.ts';
import type { AppContext } from './context.ts';

/** The advice about an error for the log, and for the client if it is the developer. */
type Hint = { forLog: string | undefined; forClient: string | undefined };

/** The next step if the tables are missing. Only a request to this machine gets it in the response. */
export function missingTablesHint(error: unknown, c: AppContext): Hint {
  if (!(error instanceof MissingTables)) return { forLog: undefined, forClient: undefined };
  const command = `npx wrangler d1 migrations apply ${c.var.databaseBinding} --local`;
  const hint = `The database has no tables. Run the migrations: ${command}`;
  return {
    forLog: `${hint} (in production: --remote)`,
    forClient: isLoopback(new URL(c.req.url).hostname) ? hint : undefined,
  };
}
