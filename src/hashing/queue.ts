/**
 * When hashing runs. An isolate has one thread: two hashes at once would both take twice as long, and
 * token checks would wait for both.
 *
 * - Work runs one at a time, first come, first served. If it derives in slices, the next work starts
 *   between two of them, until four have started.
 * - A slice advances the first four derivations in line together. If only one or two are in line, it
 *   advances the first, because two together take longer than two in turn.
 *
 * On Workers a request may stop for good when its client disconnects. Its callbacks then never run.
 * So work shows by a timer that its request is running, and leaves its place if the timer stops. Any
 * request in line runs the next slice, for all. It finishes the derivations of those that stopped.
 */

import { ServiceUnavailable } from '../lib/service-unavailable.ts';
import { yieldToEventLoop } from '../lib/yield-to-event-loop.ts';

/** Words of 32 bits, as SHA-256 has them, in a register of WebAssembly's SIMD. */
export const LANES = 4;

const LOOK_MS = 250;

/** Longer than most hashes hold the thread and its timers. An error changes the order only. */
const GONE_AFTER_MS = 2000;

/** At 80 ms a hash the last of 64 waits for 5 seconds. */
const MAX_WAITING = 64;

/**
 * A client is an address. A class of 32 may share one, log in at once, and some of them press twice.
 * At least 24 places are left for other addresses.
 */
const MAX_OF_CLIENT = 40;

/**
 * Reached only by hashes of more than the default iterations. It leaves 10 of the 30 seconds that an
 * object has for a call (durable-object-hasher.ts).
 */
const MAX_WAIT_MS = 20_000;

/** Work that waits or has started. */
type Place = { client: string | undefined; seenAt: number; hasStarted: boolean; start: () => void };

/** A derivation between two slices: the state of HMAC and PBKDF2, and how many iterations are left. */
export type Derivation = { readonly state: Uint32Array; left: number };

/** Advances the first of 1 to `LANES` derivations, or all of them, by 1 iteration or more. */
export type RunSlice = (derivations: Derivation[]) => void;

export type QueueLimits = { maxWaiting: number; maxOfClient: number; maxWaitMs: number };

export function createQueue({ maxWaiting, maxOfClient, maxWaitMs }: QueueLimits) {
  let places: Place[] = [];
  let line: Derivation[] = [];
  let slices = 0;

  const waiting = () => places.filter(({ hasStarted }) => !hasStarted);

  /** Starts the next work if all that has started is in slices. */
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
   * Runs work when it has come to the front.
   *
   * @param client whose work it is; undefined if unknown, and then only the other limits apply
   * @throws ServiceUnavailable if a limit is reached
   */
  async function inTurn<T>(work: () => Promise<T>, client?: string): Promise<T> {
    removeGone();
    if (waiting().length >= maxWaiting) throw new ServiceUnavailable('hashing', 'Too many wait');
    if (places.filter((place) => client && place.client === client).length >= maxOfClient)
      throw new ServiceUnavailable('hashing', 'Too many of one client wait');

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
        reject(new ServiceUnavailable('hashing', 'It waited too long'));
    }, LOOK_MS);
    try {
      if (!mine.hasStarted) await started.then(yieldToEventLoop);
      return await work();
    } finally {
      clearInterval(timer);
      leave((place) => place === mine);
    }
  }

  /** Derives in slices, alone or with others. */
  async function inSlices(derivation: Derivation, run: RunSlice): Promise<void> {
    if (derivation.left === 0) return;
    line.push(derivation);
    startNext();
    // Alone in line, it starts at once. If others are, a slice may just have ended.
    let seen = line.length === 1 ? slices : -1;
    while (derivation.left > 0) {
      // Otherwise another request has run a slice since this one was last awake.
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

/** All hashing of this isolate, for every purpose. */
export const { inTurn, inSlices } = createQueue({
  maxWaiting: MAX_WAITING,
  maxOfClient: MAX_OF_CLIENT,
  maxWaitMs: MAX_WAIT_MS,
});
