import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ServiceUnavailable } from '../../src/lib/service-unavailable.ts';
import { runRead, runWriteWithRetry } from '../../src/store/d1-errors.ts';

const LOST = new Error('D1_ERROR: Network connection lost.');
const LOCKED = new Error('D1_ERROR: database is locked: SQLITE_BUSY');
const FULL = new Error('D1_ERROR: database or disk is full: SQLITE_FULL');
const BUG = new Error('D1_ERROR: no such column: nope: SQLITE_ERROR');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The value of a query, or what it throws. Its waits are skipped. */
async function outcome(query: Promise<unknown>): Promise<unknown> {
  const settled = query.catch((reason: unknown) => reason);
  await vi.runAllTimersAsync();
  return settled;
}

/** A query that fails at its first runs, and whether each run was a retry. */
function failing(...errors: Error[]) {
  const retries: boolean[] = [];
  const query = async (isRetry = false) => {
    const error = errors[retries.length];
    retries.push(isRetry);
    if (error) throw error;
    return 'done';
  };
  return { query, retries };
}

describe('an error of D1', () => {
  it.each([
    ['Network connection lost.', 'recovers by itself'],
    ['Replica disconnected from primary.', 'recovers by itself'],
    ['D1 DB storage caused object to be reset.', 'recovers by itself'],
    ['D1 DB reset because its code was updated.', 'recovers by itself'],
    ['Cannot resolve D1 DB due to transient issue on remote node.', 'recovers by itself'],
    ['Internal error while starting up D1 DB storage caused object to be reset.', 'recovers by'],
    ['Internal error while starting up D1 DB storage.', 'recovers by itself'],
    ['Internal error in D1 DB storage caused object to be reset.', 'recovers by itself'],
    ["Can't read from request stream because client disconnected.", 'recovers by itself'],
    ['D1 DB is overloaded. Requests queued for too long.', 'more to do'],
    ['D1 DB is overloaded. Too many requests queued.', 'more to do'],
    ['D1 DB storage operation exceeded timeout which caused object to be reset.', 'more to do'],
    ['D1 DB storage operation exceeded timeout.', 'more to do'],
    ["D1 DB's isolate exceeded its memory limit and was reset.", 'too much memory'],
    ['D1 DB exceeded its CPU time limit and was reset.', 'too much memory or CPU'],
    ['Currently processing a long-running export.', 'being exported'],
    ['database is locked: SQLITE_BUSY', 'Another process is writing'],
    ['NOSENTRY database is locked: SQLITE_BUSY', 'Another process is writing'],
    ['database table is locked: SQLITE_LOCKED', 'Another process is writing'],
    ['internal error; reference = 8onlfeq3q8hs4rp2ck9hostt', 'SQLITE_BUSY: another process'],
    ['Failed to get session commit token: internal error; reference = 8o', 'SQLITE_FULL: the disk'],
    ['database or disk is full: SQLITE_FULL', 'cannot grow'],
    ['Exceeded maximum DB size.', 'cannot grow'],
    ["Your account has exceeded D1's maximum account storage limit, please", 'cannot grow'],
    ["Your account has exceeded D1's free tier daily row read limit.", 'daily limit'],
    ["Your account has exceeded D1's free tier daily row write limit.", 'daily limit'],
  ])('%j is a database that does not answer, with a reason for the log', async (words, reason) => {
    const cause = new Error(`D1_ERROR: ${words}`);
    const wrapped = new Error('Failed query', { cause });
    for (const error of [cause, wrapped]) {
      const thrown = await outcome(runRead(() => Promise.reject(error)));
      expect(thrown).toBeInstanceOf(ServiceUnavailable);
      expect(thrown).toMatchObject({ service: 'database', cause: error });
      expect(String(thrown)).toContain(reason);
    }
  });

  it.each([BUG, 'Network connection lost.', undefined])('%s is a fault', async (error) => {
    expect(await outcome(runRead(() => Promise.reject(error)))).toBe(error);
  });
});

describe('a read', () => {
  it('is not repeated after an error that D1 repeats reads after', async () => {
    const { query, retries } = failing(LOST);
    expect(await outcome(runRead(query))).toBeInstanceOf(ServiceUnavailable);
    expect(retries).toEqual([false]);
  });

  it('waits until the database is unlocked', async () => {
    const { query, retries } = failing(...Array.from({ length: 6 }, () => LOCKED));
    expect(await outcome(runRead(query))).toBe('done');
    expect(retries).toHaveLength(7);
  });
});

describe('a write', () => {
  it('runs once if it succeeds, and again if D1 failed', async () => {
    const [good, lost] = [failing(), failing(LOST)];
    expect(await outcome(runWriteWithRetry(good.query))).toBe('done');
    expect(good.retries).toEqual([false]);
    expect(await outcome(runWriteWithRetry(lost.query))).toBe('done');
    expect(lost.retries).toEqual([false, true]);
  });

  it('runs twice at the most', async () => {
    const { query, retries } = failing(LOST, LOST);
    expect(await outcome(runWriteWithRetry(query))).toBeInstanceOf(ServiceUnavailable);
    expect(retries).toEqual([false, true]);
  });

  it('waits for less than a second until the database is unlocked', async () => {
    const { query, retries } = failing(...Array.from({ length: 9 }, () => LOCKED));
    const start = Date.now();
    expect(await outcome(runWriteWithRetry(query))).toBeInstanceOf(ServiceUnavailable);
    expect(retries).toHaveLength(7);
    const waitedMs = Date.now() - start;
    expect(waitedMs).toBeGreaterThan(300);
    expect(waitedMs).toBeLessThan(1000);
  });

  it.each([FULL, new Error('D1_ERROR: Currently processing a long-running export.')])(
    'does not run again if that cannot help: %s',
    async (error) => {
      const { query, retries } = failing(error);
      expect(await outcome(runWriteWithRetry(query))).toBeInstanceOf(ServiceUnavailable);
      expect(retries).toEqual([false]);
    },
  );

  it('does not run again after a fault', async () => {
    const { query, retries } = failing(BUG);
    expect(await outcome(runWriteWithRetry(query))).toBe(BUG);
    expect(retries).toEqual([false]);
  });
});
