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
  // A spy puts back the timer it found, which is a fake one: spies go first.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const LIMITS: QueueLimits = { maxWaiting: 10, maxOfClient: 10, maxWaitMs: 600_000 };

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
  inTurn: ReturnType<typeof createQueue>['inTurn'],
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
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 1 });
    const setTimeout = vi.spyOn(globalThis, 'setTimeout');
    expect(await inTurn(async () => 'done')).toBe('done');
    expect(setTimeout).not.toHaveBeenCalled();
  });

  it('lets one in at a time, in the order they came', async () => {
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

  it('gives the thread back between two', async () => {
    const log: string[] = [];
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 1 });
    const both = Promise.all(['a', 'b'].map((name) => inTurn(async () => log.push(name))));
    setTimeout(() => log.push('another request'), 0);
    await pass(1);
    await both;
    expect(log).toEqual(['a', 'another request', 'b']);
  });

  it('goes on after work that failed, whose error is its own', async () => {
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 1 });
    const failed = inTurn(() => Promise.reject(new Error('broken')));
    const next = inTurn(async () => 'next');
    await expect(failed).rejects.toThrow('broken');
    await pass(1);
    expect(await next).toBe('next');
  });

  it('turns away whoever comes when too many wait, and nobody else', async () => {
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

  it('passes over work whose client has gone away', async () => {
    const log: string[] = [];
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 2 });
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
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 3 });
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
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 1 });
    vanishing(inTurn).vanish();
    vanishing(inTurn).vanish();
    await expect(inTurn(async () => 'too early')).rejects.toBeInstanceOf(ServiceUnavailable);
    await pass(2001);
    expect(await inTurn(async () => 'in')).toBe('in');
  });

  it('refuses a client that has as many places as it may, and lets others in', async () => {
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

  it('does not take unknown clients for one client', async () => {
    const { inTurn } = createQueue({ ...LIMITS, maxOfClient: 1 });
    const both = Promise.all([inTurn(async () => 'a'), inTurn(async () => 'b')]);
    await pass(10);
    expect(await both).toEqual(['a', 'b']);
  });

  it('gives a client back the places of its requests that have stopped', async () => {
    const { inTurn } = createQueue({ ...LIMITS, maxOfClient: 1 });
    vanishing(inTurn, undefined, '192.0.2.1').vanish();
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

  it('lets work end that takes longer than it may wait', async () => {
    const { inTurn } = createQueue({ ...LIMITS, maxWaitMs: 5000 });
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
    const { inTurn } = createQueue({ ...LIMITS, maxWaiting: 2 });
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

/** Derivations that need some slices each, and which of them each slice has advanced. */
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

/** Requests that can be stopped as Workers stop them: none of their timers fires any more. */
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
  it('run at once for a derivation that is alone, and end with it', async () => {
    const { derive, log } = sliced();
    const setTimeout = vi.spyOn(globalThis, 'setTimeout');
    await derive('a', 1);
    expect(log).toEqual(['a', '/a']);
    expect(setTimeout).not.toHaveBeenCalled();
  });

  it('are none for a derivation of one iteration', async () => {
    const { derive, log } = sliced();
    await derive('a', 0);
    expect(log).toEqual(['/a']);
  });

  it('advance one of two derivations, the first', async () => {
    const { derive, log } = sliced();
    const both = Promise.all([derive('a', 3), derive('b', 2)]);
    await pass(100);
    await both;
    expect(log).toEqual(['a', 'a', 'a', '/a', 'b', 'b', '/b']);
  });

  it('advance the first four of three or more, and take in the next when one is done', async () => {
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
    // The first had begun alone.
    expect(slices).toEqual(['a', 'abcd', 'abcd', 'acde', 'd', 'f', 'f']);
    expect(
      log
        .filter((entry) => entry.startsWith('/'))
        .sort()
        .join(''),
    ).toBe('/a/b/c/d/e/f');
  });

  it('answer a derivation that is done before the next slice', async () => {
    const { derive, log } = sliced();
    const all = Promise.all([derive('a', 9), derive('b', 1), derive('c', 9), derive('d', 9)]);
    await pass(100);
    await all;
    expect(log.slice(0, 4)).toEqual(['a', 'abcd', '/b', 'acd']);
  });

  it('give the thread back between two, however many requests are in line', async () => {
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
  it('starts until four have started, and again when one is done', async () => {
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

  it('starts the next at once when it begins to derive', async () => {
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

  it('lets one other at a time work beside it', async () => {
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
    // It is in line again before the fifth has started.
    expect(log.findIndex((entry) => entry.includes('A'))).toBeLessThan(
      log.findIndex((entry) => entry.includes('e')),
    );
  });

  it('goes on without a request that has stopped, and frees its place', async () => {
    const start = stoppableRequests();
    const { inTurn, derive, log } = sliced();
    const requests = ['a', 'b', 'c', 'd'].map((name) =>
      start(() => inTurn(() => derive(name, 20))),
    );
    await pass(10);
    // It is the one that has run the slices.
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

  it('loses nothing if all requests in line have stopped', async () => {
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
