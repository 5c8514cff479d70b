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

/** The value of a query, or the error that it throws. Skips its waits. */
async function outcome(query: Promise<unknown>): Promise<unknown> {
  const settled = query.catch((reason: unknown) => reason);
  await vi.runAllTimersAsync();
  return settled;
}

/** A query whose first runs fail, and for each run whether it was a retry. */
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
    ['Network connection lost.', 'D1 recovers automatically'],
    ['Replica disconnected from primary.', 'D1 recovers automatically'],
    ['D1 DB storage caused object to be reset.', 'D1 recovers automatically'],
    ['D1 DB reset because its code was updated.', 'D1 recovers automatically'],
    ['Cannot resolve D1 DB due to transient issue on remote node.', 'D1 recovers automatically'],
    [
      'Internal error while starting up D1 DB storage caused object to be reset.',
      'D1 recovers automatically',
    ],
    ['Internal error while starting up D1 DB storage.', 'D1 recovers automatically'],
    ['Internal error in D1 DB storage caused object to be reset.', 'D1 recovers automatically'],
    ["Can't read from request stream because client disconnected.", 'D1 recovers automatically'],
    ['D1 DB is overloaded. Requests queued for too long.', 'is overloaded'],
    ['D1 DB is overloaded. Too many requests queued.', 'is overloaded'],
    ['D1 DB storage operation exceeded timeout which caused object to be reset.', 'is overloaded'],
    ['D1 DB storage operation exceeded timeout.', 'is overloaded'],
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
  ])('%j becomes ServiceUnavailable with a reason for the log', async (message, reason) => {
    const cause = new Error(`D1_ERROR: ${message}`);
    const wrapped = new Error('Failed query', { cause });
    for (const error of [cause, wrapped]) {
      const thrown = await outcome(runRead(() => Promise.reject(error)));
      expect(thrown).toBeInstanceOf(ServiceUnavailable);
      expect(thrown).toMatchObject({ service: 'database', cause: error });
      expect(String(thrown)).toContain(reason);
    }
  });

  it.each([BUG, 'Network connection lost.', undefined])('%s is thrown unchanged', async (error) => {
    expect(await outcome(runRead(() => Promise.reject(error)))).toBe(error);
  });
});

describe('a read', () => {
  it('is not retried after an error for which D1 itself retries reads', async () => {
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
  it('runs once if it succeeds, and is retried if D1 failed', async () => {
    const [working, lost] = [failing(), failing(LOST)];
    expect(await outcome(runWriteWithRetry(working.query))).toBe('done');
    expect(working.retries).toEqual([false]);
    expect(await outcome(runWriteWithRetry(lost.query))).toBe('done');
    expect(lost.retries).toEqual([false, true]);
  });

  it('is retried at most once', async () => {
    const { query, retries } = failing(LOST, LOST);
    expect(await outcome(runWriteWithRetry(query))).toBeInstanceOf(ServiceUnavailable);
    expect(retries).toEqual([false, true]);
  });

  it('waits less than a second for the database to be unlocked', async () => {
    const { query, retries } = failing(...Array.from({ length: 9 }, () => LOCKED));
    const start = Date.now();
    expect(await outcome(runWriteWithRetry(query))).toBeInstanceOf(ServiceUnavailable);
    expect(retries).toHaveLength(7);
    const waitedMs = Date.now() - start;
    expect(waitedMs).toBeGreaterThan(300);
    expect(waitedMs).toBeLessThan(1000);
  });

  it.each([FULL, new Error('D1_ERROR: Currently processing a long-running export.')])(
    'is not retried if a retry cannot help: %s',
    async (error) => {
      const { query, retries } = failing(error);
      expect(await outcome(runWriteWithRetry(query))).toBeInstanceOf(ServiceUnavailable);
      expect(retries).toEqual([false]);
    },
  );

  it('is not retried after a bug', async () => {
    const { query, retries } = failing(BUG);
    expect(await outcome(runWriteWithRetry(query))).toBe(BUG);
    expect(retries).toEqual([false]);
  });
});
