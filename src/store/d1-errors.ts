/**
 * Transient D1 errors. The messages are from developers.cloudflare.com (D1: Debug D1, Error list),
 * unless another source is named.
 */
import { MissingTables } from '../lib/missing-tables.ts';
import { rootCause } from '../lib/root-cause.ts';
import { ServiceUnavailable } from '../lib/service-unavailable.ts';
import { wait } from '../lib/wait.ts';

type D1Failure = {
  /** Parts of D1's messages. */
  messages: string[];
  /** For the log: the cause and the next step. */
  reason: string;
  /** Milliseconds before each retry of a read. D1 itself retries reads after most errors. */
  readRetries: number[];
  /** As `runRead`, for a write. D1 never retries a write, because it may have been executed. */
  writeRetries: number[];
};

/** SQLite's messages before the migrations: `no such table: auth_user`, and of an index of ours. */
const NO_TABLE = [
  'no such table: auth_user',
  'no such table: authtoken_token',
  'no such table: knox_authtoken',
  'no such index: auth_user',
];

/** A retry within a second does not help. */
const NEVER: number[] = [];
/** For a database that restarts or moves. */
const ONCE = [100];
/** For a database that another process locks, as `manage import` does for each of its writes. */
const UNTIL_UNLOCKED = [20, 50, 100, 150, 200, 250];

const FAILURES: D1Failure[] = [
  {
    messages: [
      'Network connection lost',
      'Replica disconnected from primary',
      'Cannot resolve D1 DB due to transient issue on remote node',
      "Can't read from request stream because client disconnected",
      'reset because its code was updated',
      'storage caused object to be reset',
      'Internal error while starting up D1 DB storage',
    ],
    reason:
      'D1 did not respond: the network failed, or the database was restarted. D1 recovers ' +
      'automatically. If it does not, see https://www.cloudflarestatus.com.',
    readRetries: NEVER,
    writeRetries: ONCE,
  },
  {
    messages: ['D1 DB is overloaded', 'storage operation exceeded timeout'],
    reason: 'D1 is overloaded. Look for a burst of requests or a long query, such as an import.',
    readRetries: NEVER,
    writeRetries: NEVER,
  },
  {
    messages: [
      'exceeded its memory limit and was reset',
      'exceeded its CPU time limit and was reset',
      'SQLITE_NOMEM',
    ],
    reason:
      'A query needed too much memory or CPU time, and D1 restarted the database. Look for a large ' +
      'query, such as an import.',
    readRetries: NEVER,
    writeRetries: ONCE,
  },
  {
    // cloudflare/workers-sdk, issues 9519 and 9578.
    messages: ['Currently processing a long-running export'],
    reason:
      'The database is being exported, and D1 refuses other queries until the export ends. A failed ' +
      'export ends after a timeout. Export when there are few requests.',
    readRetries: NEVER,
    writeRetries: NEVER,
  },
  {
    // workerd's src/workerd/util/sqlite.c++: a message of SQLite and the name of its error code.
    messages: ['SQLITE_BUSY', 'SQLITE_LOCKED', 'database is locked'],
    reason:
      'Another process is writing to the database, such as the command `import`. Wait until it ends.',
    readRetries: UNTIL_UNLOCKED,
    writeRetries: UNTIL_UNLOCKED,
  },
  {
    // workerd hides errors that the application did not cause (src/workerd/jsg/util.c++). In local
    // development these are SQLITE_BUSY and SQLITE_FULL, for reads too, because each query writes a
    // bookmark (cloudflare/workers-sdk, issue 14916).
    messages: ['internal error; reference ='],
    reason:
      'D1 failed without a cause. In local development an earlier log line has the cause. ' +
      'SQLITE_BUSY: another process is writing to the database. Wait until it ends. ' +
      'SQLITE_FULL: the disk is full. Free disk space. In production D1 recovers ' +
      'automatically. If it does not, see https://www.cloudflarestatus.com, and report the reference to ' +
      'Cloudflare.',
    readRetries: UNTIL_UNLOCKED,
    writeRetries: UNTIL_UNLOCKED,
  },
  {
    messages: [
      'SQLITE_FULL',
      'SQLITE_IOERR',
      'Exceeded maximum DB size',
      'maximum account storage limit',
    ],
    reason:
      'The database cannot grow: the database, the storage of the account or the disk is full. ' +
      'Delete rows, or free storage.',
    readRetries: NEVER,
    writeRetries: NEVER,
  },
  {
    messages: ["exceeded D1's free tier daily row"],
    reason:
      'The daily limit of Workers Free is reached. D1 accepts queries again at midnight UTC, or ' +
      'immediately on Workers Paid.',
    readRetries: NEVER,
    writeRetries: NEVER,
  },
];

/**
 * Runs a read.
 *
 * @param query gets whether this run is a retry
 * @throws ServiceUnavailable if D1 is not available, MissingTables if the migrations have not run
 */
export const runRead = <T>(query: (isRetry: boolean) => Promise<T>): Promise<T> =>
  withRetries(query, ({ readRetries }) => readRetries);

/**
 * Runs a write, and retries it after a failure of D1. The failed run may have been executed, so the
 * write must be idempotent.
 *
 * @param query gets whether this run is a retry
 * @throws ServiceUnavailable if D1 is not available, MissingTables if the migrations have not run
 */
export const runWriteWithRetry = <T>(query: (isRetry: boolean) => Promise<T>): Promise<T> =>
  withRetries(query, ({ writeRetries }) => writeRetries);

async function withRetries<T>(
  query: (isRetry: boolean) => Promise<T>,
  retriesAfter: (failure: D1Failure) => number[],
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await query(tries > 0);
    } catch (error) {
      if (isOneOf(NO_TABLE, error)) throw new MissingTables({ cause: error });
      const failure = failureOf(error);
      if (!failure) throw error;
      const delayMs = retriesAfter(failure)[tries];
      if (delayMs === undefined) {
        throw new ServiceUnavailable('database', failure.reason, { cause: error });
      }
      await wait(withJitter(delayMs));
    }
  }
}

const failureOf = (error: unknown): D1Failure | undefined =>
  FAILURES.find(({ messages }) => isOneOf(messages, error));

/** Why D1 did not answer, and what to do next; undefined if the error is another one. */
export const unavailableReason = (error: unknown): string | undefined => failureOf(error)?.reason;

const isOneOf = (messages: string[], error: unknown): boolean =>
  error instanceof Error &&
  (messages.some((words) => error.message.includes(words)) || isOneOf(messages, error.cause));

/** A random time from half to all of the delay, so that requests do not all retry at once. */
const withJitter = (delayMs: number): number => delayMs * (1 - Math.random() / 2);

/**
 * D1 reports the violated constraint only in the message:
 * `… UNIQUE constraint failed: auth_user.username: …`.
 */
export const isUniqueViolation = (error: unknown, column: string): boolean =>
  String(rootCause(error)).includes(`UNIQUE constraint failed: ${column}`);

/** The column of a single-column UNIQUE constraint that was violated, without its table. */
export const notUniqueColumn = (error: unknown): string | undefined =>
  /UNIQUE constraint failed: \w+\.(?<column>\w+)(?!\w|, )/.exec(String(rootCause(error)))?.groups
    ?.column;
