import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createQueue,
  type Derivation,
  type QueueLimits,
  type RunSlice,
} from '../../src/hashing/queue.ts';
import { ServiceUnavailable } from '../../src/lib/service-unavailable.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  // A spy restores the timer that it replaced, which is a fake one. So restore the spies first.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const LIMITS: QueueLimits = { maxWaiting: 10, maxOfClient: 10, maxWaitMs: 600_000 };

/** Runs timers and the work that they start. */
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Work that logs its start and its end, and runs until the test ends it. */
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

/** A request that can be cancelled while it waits or works: its timers and its work stop. */
function cancellable(
  inTurn: ReturnType<typeof createQueue>['inTurn'],
  work = () => new Promise<void>(() => {}),
  client?: string,
) {
  const setInterval = vi.spyOn(globalThis, 'setInterval');
  void inTurn(work, client);
  const timer = setInterval.mock.results[0]?.value;
  setInterval.mockRestore();
  return { cancel: () => clearInterval(timer) };
}

describe('the queue', () => {
  it('runs work immediately if the queue is empty, and returns its result', async () => {
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 1 });
    const setTimeout = vi.spyOn(globalThis, 'setTimeout');
    expect(await inTurn(async () => 'done')).toBe('done');
    expect(setTimeout).not.toHaveBeenCalled();
  });

  it('runs one job at a time, in order of arrival', async () => {
    const log: string[] = [];
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 2 });
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

  it('yields to the event loop between two jobs', async () => {
    const log: string[] = [];
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 1 });
    const both = Promise.all(['a', 'b'].map((name) => inTurn(async () => log.push(name))));
    setTimeout(() => log.push('another request'), 0);
    await pass(1);
    await both;
    expect(log).toEqual(['a', 'another request', 'b']);
  });

  it('continues after failed work, and throws its error only to its caller', async () => {
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 1 });
    const failed = inTurn(() => Promise.reject(new Error('broken')));
    const next = inTurn(async () => 'next');
    await expect(failed).rejects.toThrow('broken');
    await pass(1);
    expect(await next).toBe('next');
  });

  it('refuses only new work if the queue is full', async () => {
    const log: string[] = [];
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 2 });
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

  it('skips running work whose request was cancelled', async () => {
    const log: string[] = [];
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 2 });
    const { cancel } = cancellable(inTurn);
    const next = inTurn(async () => log.push('next'));
    await pass(10_000);
    expect(log).toEqual([]);
    cancel();
    await pass(2300);
    expect(log).toEqual(['next']);
    await next;
  });

  it('skips waiting work whose request was cancelled', async () => {
    const log: string[] = [];
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 3 });
    const { work, end } = job(log, 'a');
    const first = inTurn(work);
    cancellable(inTurn).cancel();
    const last = inTurn(async () => log.push('last'));
    await pass(5000);
    end();
    await pass(1);
    expect(log).toEqual(['a', '/a', 'last']);
    await Promise.all([first, last]);
  });

  it('frees the places of cancelled requests', async () => {
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 1 });
    cancellable(inTurn).cancel();
    cancellable(inTurn).cancel();
    await expect(inTurn(async () => 'too early')).rejects.toBeInstanceOf(ServiceUnavailable);
    await pass(2001);
    expect(await inTurn(async () => 'in')).toBe('in');
  });

  it('refuses a client that has reached its limit, and accepts others', async () => {
    const { inTurn } = createQueue({ ...LIMITS, maxOfClient: 2 });
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

  it('does not count unknown clients as one client', async () => {
    const { inTurn } = createQueue({ ...LIMITS, maxOfClient: 1 });
    const both = Promise.all([inTurn(async () => 'a'), inTurn(async () => 'b')]);
    await pass(10);
    expect(await both).toEqual(['a', 'b']);
  });

  it('frees the places of a client’s cancelled requests', async () => {
    const { inTurn } = createQueue({ ...LIMITS, maxOfClient: 1 });
    cancellable(inTurn, undefined, '192.0.2.1').cancel();
    await expect(inTurn(async () => 'early', '192.0.2.1')).rejects.toThrow(ServiceUnavailable);
    await pass(2001);
    expect(await inTurn(async () => 'in', '192.0.2.1')).toBe('in');
  });

  it('refuses work that has waited too long, and never starts it', async () => {
    const log: string[] = [];
    const { inTurn } = createQueue({ ...LIMITS, maxWaitMs: 5000 });
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

  it('does not limit the running time of work', async () => {
    const { inTurn } = createQueue({ ...LIMITS, maxWaitMs: 5000 });
    const [a, b] = [job([], 'a'), job([], 'b')];
    const results = Promise.all([inTurn(a.work), inTurn(b.work)]);
    await pass(4000);
    a.end();
    await pass(10_000);
    b.end();
    expect(await results).toEqual(['a', 'b']);
  });

  it('runs work that was removed although its request is still running', async () => {
    const log: string[] = [];
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 2 });
    const { work, end } = job(log, 'a');
    const first = inTurn(work);
    const waits = inTurn(async () => log.push('waits'));
    // Work that blocks the thread delays all timers, while the clock advances.
    vi.setSystemTime(Date.now() + 3000);
    const newcomer = inTurn(async () => log.push('newcomer'));
    await pass(1);
    expect(log).toEqual(['a', 'newcomer', 'waits']);
    end();
    await Promise.all([first, waits, newcomer]);
  });
});

/**
 * A queue with derivations of some slices, and a log of the derivations that each slice advanced.
 */
function sliced(queue = createQueue(LIMITS)) {
  const names = new Map<Derivation, string>();
  const log: string[] = [];
  const run: RunSlice = (derivations) => {
    log.push(derivations.map((derivation) => names.get(derivation)).join(''));
    for (const derivation of derivations) derivation.left -= 1;
  };
  const derive = async (name: string, slices: number) => {
    const derivation = { state: new Uint32Array(), left: slices };
    names.set(derivation, name);
    await queue.inSlices(derivation, run);
    log.push(`/${name}`);
  };
  return { ...queue, derive, log };
}

/** Requests that can be stopped as Workers cancel them: their timers no longer fire. */
function stoppableRequests() {
  const current = new AsyncLocalStorage<{ isStopped: boolean }>();
  const { setTimeout, setInterval } = globalThis;
  const unlessStopped = (callback: () => void) => {
    const request = current.getStore();
    return () => {
      if (!request?.isStopped) callback();
    };
  };
  vi.spyOn(globalThis, 'setTimeout').mockImplementation((callback: () => void, ms?: number) =>
    setTimeout(unlessStopped(callback), ms),
  );
  vi.spyOn(globalThis, 'setInterval').mockImplementation((callback: () => void, ms?: number) =>
    setInterval(unlessStopped(callback), ms),
  );
  return function start(work: () => Promise<unknown>) {
    const request = { isStopped: false };
    void current.run(request, work);
    return {
      stop: () => {
        request.isStopped = true;
      },
    };
  };
}

describe('slices', () => {
  it('run immediately for the only derivation in line, and end with it', async () => {
    const { derive, log } = sliced();
    const setTimeout = vi.spyOn(globalThis, 'setTimeout');
    await derive('a', 1);
    expect(log).toEqual(['a', '/a']);
    expect(setTimeout).not.toHaveBeenCalled();
  });

  it('are not needed for a derivation of one iteration', async () => {
    const { derive, log } = sliced();
    await derive('a', 0);
    expect(log).toEqual(['/a']);
  });

  it('advance only the first of two derivations', async () => {
    const { derive, log } = sliced();
    const both = Promise.all([derive('a', 3), derive('b', 2)]);
    await pass(100);
    await both;
    expect(log).toEqual(['a', 'a', 'a', '/a', 'b', 'b', '/b']);
  });

  it('advance the first four if there are three or more, and the next when one is done', async () => {
    const { derive, log } = sliced();
    const all = Promise.all([
      derive('a', 4),
      derive('b', 2),
      derive('c', 3),
      derive('d', 4),
      derive('e', 1),
      derive('f', 2),
    ]);
    await pass(100);
    await all;
    const slices = log.filter((entry) => !entry.startsWith('/'));
    // The first slice had only one derivation in line.
    expect(slices).toEqual(['a', 'abcd', 'abcd', 'acde', 'd', 'f', 'f']);
    expect(
      log
        .filter((entry) => entry.startsWith('/'))
        .sort()
        .join(''),
    ).toBe('/a/b/c/d/e/f');
  });

  it('return a finished derivation before the next slice', async () => {
    const { derive, log } = sliced();
    const all = Promise.all([derive('a', 9), derive('b', 1), derive('c', 9), derive('d', 9)]);
    await pass(100);
    await all;
    expect(log.slice(0, 4)).toEqual(['a', 'abcd', '/b', 'acd']);
  });

  it('yield to the event loop between two, regardless of the number of requests in line', async () => {
    const { derive, log } = sliced();
    let isOver = false;
    const other = () => {
      log.push('|');
      if (!isOver) setTimeout(other, 0);
    };
    other();
    const all = Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => derive(name, 5)));
    await pass(100);
    await all;
    isOver = true;
    const order = log
      .filter((entry) => !entry.startsWith('/'))
      .map((entry) => (entry === '|' ? '|' : 's'));
    expect(order).toContain('s');
    expect(order.join('')).not.toContain('ss');
  });
});

describe('work in slices', () => {
  it('starts until four are running, and again when one is done', async () => {
    const { inTurn, derive, log } = sliced();
    const all = Promise.all(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((name) =>
        inTurn(() => derive(name, name === 'b' ? 4 : 9)),
      ),
    );
    await pass(100);
    await all;
    const slices = log.filter((entry) => !entry.startsWith('/'));
    expect(slices.slice(0, 7)).toEqual(['a', 'abcd', 'abcd', 'abcd', 'abcd', 'acd', 'acde']);
  });

  it('starts the next immediately when it starts to derive', async () => {
    const { inTurn, derive, log } = sliced();
    const { work, end } = job(log, 'x');
    const all = [
      inTurn(work),
      ...['a', 'b', 'c', 'd'].map((name) => inTurn(() => derive(name, 20))),
    ];
    end();
    await pass(5);
    expect(log).toContain('abcd');
    await pass(1000);
    await Promise.all(all);
  });

  it('runs one other job at a time between its slices', async () => {
    const { inTurn, derive, log } = sliced();
    const jobs = ['x', 'y'].map((name) => job(log, name));
    const slicing = inTurn(() => derive('a', 500));
    const others = jobs.map(({ work }) => inTurn(work));
    await pass(100);
    expect(log.filter((entry) => entry !== 'a')).toEqual(['x']);
    jobs[0]?.end();
    await pass(100);
    expect(log.filter((entry) => entry !== 'a')).toEqual(['x', '/x', 'y']);
    jobs[1]?.end();
    await pass(1000);
    await Promise.all([slicing, ...others]);
  });

  it('keeps its place between two derivations', async () => {
    const { inTurn, derive, log } = sliced();
    const all = Promise.all([
      inTurn(async () => {
        await derive('a', 2);
        await derive('A', 2);
      }),
      ...['b', 'c', 'd', 'e'].map((name) => inTurn(() => derive(name, 20))),
    ]);
    await pass(200);
    await all;
    // The second derivation of the first job is in line before the fifth job has started.
    expect(log.findIndex((entry) => entry.includes('A'))).toBeLessThan(
      log.findIndex((entry) => entry.includes('e')),
    );
  });

  it('continues without a cancelled request, and frees its place', async () => {
    const start = stoppableRequests();
    const { inTurn, derive, log } = sliced();
    const requests = ['a', 'b', 'c', 'd'].map((name) =>
      start(() => inTurn(() => derive(name, 20))),
    );
    await pass(10);
    // This request has run the slices so far.
    requests[0]?.stop();
    const last = inTurn(() => derive('e', 20));
    await pass(100);
    expect(log).toEqual(expect.arrayContaining(['abcd', '/b', '/c', '/d']));
    expect(log).not.toContain('/a');
    await pass(2500);
    await last;
    expect(log.at(-1)).toBe('/e');
    // All four may start again.
    log.length = 0;
    const again = Promise.all(['f', 'g', 'h', 'i'].map((name) => inTurn(() => derive(name, 20))));
    await pass(1000);
    await again;
    expect(log).toContain('fghi');
  });

  it('continues if all requests in line were cancelled', async () => {
    const start = stoppableRequests();
    const { inTurn, derive, log } = sliced();
    const requests = ['a', 'b', 'c', 'd'].map((name) =>
      start(() => inTurn(() => derive(name, 20))),
    );
    await pass(10);
    for (const { stop } of requests) stop();
    const next = inTurn(() => derive('e', 3));
    await pass(5000);
    await next;
    expect(log.filter((entry) => entry.startsWith('/'))).toEqual(['/e']);
    expect(log.filter((entry) => entry.includes('e')).length).toBeGreaterThanOrEqual(3);
  });
});
