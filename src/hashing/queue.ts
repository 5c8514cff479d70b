/**
 * The queue of hashing. An isolate has one thread: two hashes at once would both take twice as
 * long, and token checks would wait for both.
 *
 * - One job runs at a time, in order of arrival. If it derives in slices, the next job starts
 *   between two slices, until four have started.
 * - A slice advances the first four derivations in line together. If only one or two are in line,
 *   it advances the first, because two together take longer than one after the other.
 *
 * Workers may cancel a request when its client disconnects. Its callbacks then never run. So a
 * timer of each job shows that its request is still running, and a job whose timer stops is
 * removed. Any request in line can run the next slice for all. So derivations of cancelled requests
 * are finished.
 */

import { ServiceUnavailable } from '../lib/service-unavailable.ts';
import { yieldToEventLoop } from '../lib/yield-to-event-loop.ts';

/** Words of 32 bits, as SHA-256 has them, in a register of WebAssembly's SIMD. */
export const LANES = 4;

const HEARTBEAT_MS = 250;

/** Longer than most hashes block the timers. A wrong guess only changes the order. */
const GONE_AFTER_MS = 2000;

/** If a hash takes 80 ms, the last of 64 waits 5 seconds. */
const MAX_WAITING = 64;

/**
 * A client is a network address. A class of 32 may share one and log in at once, and some may
 * submit twice. At least 24 places remain for other addresses.
 */
const MAX_OF_CLIENT = 40;

/**
 * Only hashes with more than the default iterations can reach this. It leaves 10 of the 30 seconds
 * of a call to an object (durable-object-hasher.ts).
 */
const MAX_WAIT_MS = 20_000;

/** Work that waits or has started. */
type Place = { client: string | undefined; seenAt: number; hasStarted: boolean; start: () => void };

/** A derivation between two slices: the state of HMAC and PBKDF2, and the remaining iterations. */
export type Derivation = { readonly state: Uint32Array; left: number };

/** Advances the first of 1 to `LANES` derivations, or all of them, by 1 iteration or more. */
export type RunSlice = (derivations: Derivation[]) => void;

export type QueueLimits = { maxWaiting: number; maxOfClient: number; maxWaitMs: number };

export function createQueue({ maxWaiting, maxOfClient, maxWaitMs }: QueueLimits) {
  let places: Place[] = [];
  let line: Derivation[] = [];
  let slices = 0;

  const waiting = () => places.filter(({ hasStarted }) => !hasStarted);

  /** Starts the next work if all started work is deriving in slices. */
  function startNext() {
    const started = places.length - waiting().length;
    if (started < LANES && started <= line.length) waiting()[0]?.start();
  }

  function leave(isLeaving: (place: Place) => boolean) {
    for (const place of places.filter(isLeaving)) place.start();
    places = places.filter((place) => !isLeaving(place));
    startNext();
  }

  function removeGone() {
    const goneBefore = Date.now() - GONE_AFTER_MS;
    leave(({ seenAt }) => seenAt < goneBefore);
  }

  /**
   * Runs work when it is at the front of the queue.
   *
   * @param client the client of the work; undefined if unknown. Then only the other limits apply
   * @throws ServiceUnavailable if a limit is reached
   */
  async function inTurn<T>(work: () => Promise<T>, client?: string): Promise<T> {
    removeGone();
    if (waiting().length >= maxWaiting)
      throw new ServiceUnavailable('hashing', 'The queue is full');
    if (places.filter((place) => client && place.client === client).length >= maxOfClient)
      throw new ServiceUnavailable('hashing', 'The queue is full for this client');

    const { promise: started, resolve, reject } = Promise.withResolvers<void>();
    const cameAt = Date.now();
    const start = () => {
      mine.hasStarted = true;
      resolve();
    };
    const mine: Place = { client, seenAt: cameAt, hasStarted: false, start };
    places.push(mine);
    startNext();
    const timer = setInterval(() => {
      mine.seenAt = Date.now();
      removeGone();
      // This has no effect once the work has started.
      if (mine.seenAt - cameAt >= maxWaitMs)
        reject(new ServiceUnavailable('hashing', 'The password waited too long in the queue'));
    }, HEARTBEAT_MS);
    try {
      if (!mine.hasStarted) await started.then(yieldToEventLoop);
      return await work();
    } finally {
      clearInterval(timer);
      leave((place) => place === mine);
    }
  }

  /** Derives in slices, together with other derivations in line. */
  async function inSlices(derivation: Derivation, run: RunSlice): Promise<void> {
    if (derivation.left === 0) return;
    line.push(derivation);
    startNext();
    // The only derivation in line starts at once. Others wait, because a slice may have just ended.
    let seen = line.length === 1 ? slices : -1;
    while (derivation.left > 0) {
      // If the counts differ, another request has run a slice since this one last ran.
      if (seen === slices) advance(run);
      seen = slices;
      if (derivation.left > 0) await yieldToEventLoop();
    }
  }

  function advance(run: RunSlice) {
    run(line.slice(0, line.length > 2 ? LANES : 1));
    line = line.filter(({ left }) => left > 0);
    slices += 1;
  }

  return { inTurn, inSlices };
}

/** The queue of all hashing in this isolate. */
export const { inTurn, inSlices } = createQueue({
  maxWaiting: MAX_WAITING,
  maxOfClient: MAX_OF_CLIENT,
  maxWaitMs: MAX_WAIT_MS,
});
