import { logFault } from '../../lib/log.ts';
import { noBody } from '../body.ts';
import { RETRY_AFTER } from '../errors.ts';
import { missingTablesHint } from '../missing-tables.ts';
import { NO_STORE } from '../no-store.ts';
import { anyone, route } from '../route.ts';

/** A health check for monitors: 200 if D1 responds and has the tables, otherwise 503. */
export const health = route('GET /health', {
  access: anyone(undefined),
  body: noBody,
  kind: 'file',
  description: {
    operationId: 'health',
    summary: 'Check that the database responds',
    description:
      'Sends one query to the database. It reads no rows, and fails if a table is missing.',
    tag: 'About this service',
    responses: {
      200: {
        description: 'The database responds.',
        schema: 'Health',
        examples: { healthy: { status: 'ok' } },
      },
      503: {
        description: 'The database does not respond, or has no tables.',
        schema: 'Health',
        examples: { down: { status: 'unavailable' } },
        headers: ['Retry-After'],
      },
    },
  },
  async handle(c) {
    try {
      await c.var.store.ping();
      return c.json({ status: 'ok' as const }, 200, NO_STORE);
    } catch (error) {
      const { forLog, forClient } = missingTablesHint(error, c);
      logFault(error, forLog);
      const body =
        forClient === undefined
          ? { status: 'unavailable' as const }
          : { status: 'unavailable' as const, detail: forClient };
      return c.json(body, 503, { ...NO_STORE, ...RETRY_AFTER });
    }
  },
});
