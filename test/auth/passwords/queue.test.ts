import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createQueue, type QueueLimits } from '../../../src/auth/passwords/queue.ts';
import { ServiceUnavailable } from '../../../src/service-unavailable.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  // A spy puts back the timer it found, which is a fake one: spies go first.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const LIMITS: QueueLimits = { waiting: 10, ofClient: 10, waitMs: 600_000 };

/** Lets timers run, and what they start. */
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Work that says when it runs, and runs until it is told to end. */
function job(log: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const work = async () => {
    log.push(name);
    await promise;
    log.push(`/${name}`);
    return name;
  };
  return { work, end: resolve, fail: reject };
}

/** A request that stops for good while it waits or works: its timers and its work stop. */
function vanishing(
  inTurn: ReturnType<typeof createQueue>,
  work = () => new Promise<void>(() => {}),
  client?: string,
) {
  const setInterval = vi.spyOn(globalThis, 'setInterval');
  void inTurn(work, client);
  const timer = setInterval.mock.results[0]?.value;
  setInterval.mockRestore();
  return { vanish: () => clearInterval(timer) };
}

describe('the queue', () => {
  it('lets work in at once where nobody is before it, and hands its result back', async () => {
    const inTurn = createQueue({ ...LIMITS, waiting: 1 });
    const setTimeout = vi.spyOn(globalThis, 'setTimeout');
    expect(await inTurn(async () => 'done')).toBe('done');
    expect(setTimeout).not.toHaveBeenCalled();
  });

  it('lets one in at a time, in the order they came', async () => {
    const log: string[] = [];
    const inTurn = createQueue({ ...LIMITS, waiting: 2 });
    const jobs = ['a', 'b', 'c'].map((name) => job(log, name));
    const results = Promise.all(jobs.map(({ work }) => inTurn(work)));
    await pass(60_000);
    expect(log).toEqual(['a']);
    for (const { end } of jobs) {
      end();
      await pass(1);
    }
    expect(log).toEqual(['a', '/a', 'b', '/b', 'c', '/c']);
    expect(await results).toEqual(['a', 'b', 'c']);
  });

  it('gives the thread back between two', async () => {
    const log: string[] = [];
    const inTurn = createQueue({ ...LIMITS, waiting: 1 });
    const both = Promise.all(['a', 'b'].map((name) => inTurn(async () => log.push(name))));
    setTimeout(() => log.push('another request'), 0);
    await pass(1);
    await both;
    expect(log).toEqual(['a', 'another request', 'b']);
  });

  it('goes on after work that failed, whose error is its own', async () => {
    const inTurn = createQueue({ ...LIMITS, waiting: 1 });
    const failed = inTurn(() => Promise.reject(new Error('broken')));
    const next = inTurn(async () => 'next');
    await expect(failed).rejects.toThrow('broken');
    await pass(1);
    expect(await next).toBe('next');
  });

  it('turns away whoever comes when too many wait, and nobody else', async () => {
    const log: string[] = [];
    const inTurn = createQueue({ ...LIMITS, waiting: 2 });
    const jobs = ['a', 'b', 'c'].map((name) => job(log, name));
    const results = jobs.map(({ work }) => inTurn(work));
    const refusal = await inTurn(async () => 'd').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ServiceUnavailable);
    expect(refusal).toMatchObject({ service: 'hashing' });
    for (const { end } of jobs) {
      end();
      await pass(1);
    }
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c']);
    expect(await inTurn(async () => 'e')).toBe('e');
  });

  it('passes over work whose client has gone away', async () => {
    const log: string[] = [];
    const inTurn = createQueue({ ...LIMITS, waiting: 2 });
    const { vanish } = vanishing(inTurn);
    const next = inTurn(async () => log.push('next'));
    await pass(10_000);
    expect(log).toEqual([]);
    vanish();
    await pass(2300);
    expect(log).toEqual(['next']);
    await next;
  });

  it('passes over one who waits and has gone away', async () => {
    const log: string[] = [];
    const inTurn = createQueue({ ...LIMITS, waiting: 3 });
    const { work, end } = job(log, 'a');
    const first = inTurn(work);
    vanishing(inTurn).vanish();
    const last = inTurn(async () => log.push('last'));
    await pass(5000);
    end();
    await pass(1);
    expect(log).toEqual(['a', '/a', 'last']);
    await Promise.all([first, last]);
  });

  it('is not full of those who have gone away', async () => {
    const inTurn = createQueue({ ...LIMITS, waiting: 1 });
    vanishing(inTurn).vanish();
    vanishing(inTurn).vanish();
    await expect(inTurn(async () => 'too early')).rejects.toBeInstanceOf(ServiceUnavailable);
    await pass(2001);
    expect(await inTurn(async () => 'in')).toBe('in');
  });

  it('refuses a client that has as many places as it may, and lets others in', async () => {
    const inTurn = createQueue({ ...LIMITS, ofClient: 2 });
    const { work, end } = job([], 'a');
    const first = inTurn(work, '192.0.2.1');
    const second = inTurn(async () => 'second', '192.0.2.1');
    const third = inTurn(async () => 'third', '192.0.2.1');
    await expect(third).rejects.toMatchObject({ name: 'ServiceUnavailable', service: 'hashing' });
    const other = inTurn(async () => 'other', '192.0.2.2');
    end();
    await pass(10);
    expect(await Promise.all([first, second, other])).toEqual(['a', 'second', 'other']);
    expect(await inTurn(async () => 'again', '192.0.2.1')).toBe('again');
  });

  it('does not take unknown clients for one client', async () => {
    const inTurn = createQueue({ ...LIMITS, ofClient: 1 });
    const both = Promise.all([inTurn(async () => 'a'), inTurn(async () => 'b')]);
    await pass(10);
    expect(await both).toEqual(['a', 'b']);
  });

  it('gives a client back the places of its requests that have stopped', async () => {
    const inTurn = createQueue({ ...LIMITS, ofClient: 1 });
    vanishing(inTurn, undefined, '192.0.2.1').vanish();
    await expect(inTurn(async () => 'early', '192.0.2.1')).rejects.toThrow(ServiceUnavailable);
    await pass(2001);
    expect(await inTurn(async () => 'in', '192.0.2.1')).toBe('in');
  });

  it('refuses work that has waited too long, and never starts it', async () => {
    const log: string[] = [];
    const inTurn = createQueue({ ...LIMITS, waitMs: 5000 });
    const { work, end } = job(log, 'a');
    const first = inTurn(work);
    const outcome = inTurn(async () => log.push('late')).catch((error: unknown) => error);
    await pass(4900);
    const next = inTurn(async () => log.push('next'));
    await pass(100);
    expect(await outcome).toMatchObject({ name: 'ServiceUnavailable', service: 'hashing' });
    end();
    await pass(10);
    expect(log).toEqual(['a', '/a', 'next']);
    await Promise.all([first, next]);
  });

  it('lets work end that takes longer than it may wait', async () => {
    const inTurn = createQueue({ ...LIMITS, waitMs: 5000 });
    const [a, b] = [job([], 'a'), job([], 'b')];
    const results = Promise.all([inTurn(a.work), inTurn(b.work)]);
    await pass(4000);
    a.end();
    await pass(10_000);
    b.end();
    expect(await results).toEqual(['a', 'b']);
  });

  it('lets one go to work that was thought gone and is not', async () => {
    const log: string[] = [];
    const inTurn = createQueue({ ...LIMITS, waiting: 2 });
    const { work, end } = job(log, 'a');
    const first = inTurn(work);
    const waits = inTurn(async () => log.push('waits'));
    // What holds the thread holds all timers, and the clock goes on.
    vi.setSystemTime(Date.now() + 3000);
    const newcomer = inTurn(async () => log.push('newcomer'));
    await pass(1);
    expect(log).toEqual(['a', 'newcomer', 'waits']);
    end();
    await Promise.all([first, waits, newcomer]);
  });
});
