import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createQueue } from '../../../src/auth/passwords/queue.ts';
import { ServiceUnavailable } from '../../../src/service-unavailable.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  // A spy puts back the timer it found, which is a fake one: spies go first.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

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

/** A request that stops for good while it waits or works: its timers stop, and it goes on with nothing. */
function vanishing(
  inTurn: ReturnType<typeof createQueue>,
  work = () => new Promise<void>(() => {}),
) {
  const setInterval = vi.spyOn(globalThis, 'setInterval');
  void inTurn(work);
  const timer = setInterval.mock.results[0]?.value;
  setInterval.mockRestore();
  return { vanish: () => clearInterval(timer) };
}

describe('the queue', () => {
  it('lets work in at once where nobody is before it, and hands its result back', async () => {
    const inTurn = createQueue(1);
    const setTimeout = vi.spyOn(globalThis, 'setTimeout');
    expect(await inTurn(async () => 'done')).toBe('done');
    expect(setTimeout).not.toHaveBeenCalled();
  });

  it('lets one in at a time, in the order they came', async () => {
    const log: string[] = [];
    const inTurn = createQueue(2);
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
    const inTurn = createQueue(1);
    const both = Promise.all(['a', 'b'].map((name) => inTurn(async () => log.push(name))));
    setTimeout(() => log.push('another request'), 0);
    await pass(1);
    await both;
    expect(log).toEqual(['a', 'another request', 'b']);
  });

  it('goes on after work that failed, whose error is its own', async () => {
    const inTurn = createQueue(1);
    const failed = inTurn(() => Promise.reject(new Error('broken')));
    const next = inTurn(async () => 'next');
    await expect(failed).rejects.toThrow('broken');
    await pass(1);
    expect(await next).toBe('next');
  });

  it('turns away whoever comes when too many wait, and nobody else', async () => {
    const log: string[] = [];
    const inTurn = createQueue(2);
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
    const inTurn = createQueue(2);
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
    const inTurn = createQueue(3);
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
    const inTurn = createQueue(1);
    vanishing(inTurn).vanish();
    vanishing(inTurn).vanish();
    await expect(inTurn(async () => 'too early')).rejects.toBeInstanceOf(ServiceUnavailable);
    await pass(2001);
    expect(await inTurn(async () => 'in')).toBe('in');
  });

  it('lets one go to work that was thought gone and is not', async () => {
    const log: string[] = [];
    const inTurn = createQueue(2);
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
