import { describe, expect, it, vi } from 'vitest';
import { createGate, HashingOverloaded } from '../../../src/auth/passwords/gate.ts';

const OPTIONS = { maxWaiting: 100, pauseMs: 1, lostAfterLooks: 10 };

const never = new Promise<never>(() => {});

/** Work that says when it runs, and runs until it is told to end. */
function job(log: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const work = async () => {
    log.push(name);
    await promise;
    log.push(`/${name}`);
    return name;
  };
  return { work, end: resolve };
}

const moment = () => new Promise((resolve) => setTimeout(resolve, 80));

describe('the gate', () => {
  it('lets work in at once where nobody is inside, and hands its result back', async () => {
    const sleep = vi.fn(() => never);
    const { pass } = createGate({ ...OPTIONS, sleep });
    expect(await pass(async () => 'done')).toBe('done');
    expect(sleep).not.toHaveBeenCalled();
  });

  it('lets one in at a time, in the order they came', async () => {
    const log: string[] = [];
    const { pass } = createGate({ ...OPTIONS, lostAfterLooks: 10_000 });
    const jobs = ['a', 'b', 'c'].map((name) => job(log, name));
    const results = Promise.all(jobs.map(({ work }) => pass(work)));
    await moment();
    expect(log).toEqual(['a']);
    for (const { end } of jobs) {
      end();
      await moment();
    }
    expect(log).toEqual(['a', '/a', 'b', '/b', 'c', '/c']);
    expect(await results).toEqual(['a', 'b', 'c']);
  });

  it('leaves a pause between two, in which others get their turn', async () => {
    const log: string[] = [];
    const { pass } = createGate(OPTIONS);
    const tick = setInterval(() => log.push('other'), 0);
    await Promise.all(['a', 'b'].map((name) => pass(() => log.push(name))));
    clearInterval(tick);
    expect(log.slice(log.indexOf('a') + 1, log.indexOf('b'))).toContain('other');
  });

  it('pauses for as long as it takes to see that no token check has come since the last', async () => {
    const sleep = vi.fn(() => Promise.resolve());
    const { pass } = createGate({ ...OPTIONS, sleep });
    await pass(() => 'first');
    expect(await pass(() => 'next')).toBe('next');
    expect(sleep.mock.calls).toEqual([[0]]);
  });

  it('lets token checks go first until none has come for a pause', async () => {
    const sleep = vi.fn(async () => {
      if (sleep.mock.calls.length < 4) announce();
    });
    const { pass, announce } = createGate({ ...OPTIONS, sleep });
    await pass(() => 'first');
    expect(await pass(() => 'next')).toBe('next');
    expect(sleep.mock.calls).toEqual([[0], [1], [1], [1]]);
  });

  it('does not let token checks that never end keep it closed', async () => {
    const sleep = async () => announce();
    const { pass, announce } = createGate({ ...OPTIONS, sleep });
    await pass(() => 'first');
    expect(await pass(() => 'next')).toBe('next');
  });

  it('opens again after work that fails', async () => {
    const { pass } = createGate(OPTIONS);
    await expect(pass(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await pass(() => 'next')).toBe('next');
  });

  it('turns away who finds too many waiting', async () => {
    const log: string[] = [];
    const { pass } = createGate({ ...OPTIONS, maxWaiting: 2 });
    const jobs = ['a', 'b', 'c'].map((name) => job(log, name));
    const results = Promise.all(jobs.map(({ work }) => pass(work)));
    await expect(pass(() => 'too many')).rejects.toThrow(HashingOverloaded);
    for (const { end } of jobs) end();
    await results;
    expect(await pass(() => 'welcome')).toBe('welcome');
  });

  it('is not held by somebody inside who never comes out', async () => {
    const { pass } = createGate(OPTIONS);
    void pass(() => never);
    expect(await pass(() => 'next')).toBe('next');
  });

  it('is not held by any number of those who waited and are gone', async () => {
    let clientsAreThere = false;
    const sleep = (ms: number) =>
      clientsAreThere ? new Promise<void>((resolve) => setTimeout(resolve, ms)) : never;
    const { pass } = createGate({ ...OPTIONS, sleep });
    const { work, end } = job([], 'inside');
    const inside = pass(work);
    for (let i = 0; i < 99; i++) void pass(() => 'nobody is there to see it');
    clientsAreThere = true;
    const next = pass(() => 'next');
    end();
    await inside;
    expect(await next).toBe('next');
    expect(await pass(() => 'and the one after')).toBe('and the one after');
  });

  it('takes newcomers again once all who filled it are gone', async () => {
    let now = 0;
    vi.spyOn(Date, 'now').mockImplementation(() => now);
    const { pass } = createGate({ ...OPTIONS, maxWaiting: 2, sleep: () => never });
    const { work, end } = job([], 'inside');
    const inside = pass(work);
    for (let i = 0; i < 2; i++) void pass(() => 'gone');
    await expect(pass(() => 'too many')).rejects.toThrow(HashingOverloaded);
    end();
    await inside;
    now = 3000;
    expect(await pass(() => 'welcome')).toBe('welcome');
    vi.restoreAllMocks();
  });
});
