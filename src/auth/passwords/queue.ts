/**
 * A queue for work that holds the thread: one at a time, first come, first served. An isolate has
 * one thread, so two hashes at once would both take twice as long, and token checks would wait for
 * both.
 *
 * On Workers a request may stop for good when its client disconnects. Its callbacks then never run.
 * So each place in the queue has a timer that shows that its request is still running, and a place
 * whose timer has stopped is removed.
 */

import { giveThreadBack } from '../../give-thread-back.ts';
import { ServiceUnavailable } from '../../service-unavailable.ts';

const LOOK_MS = 250;

/**
 * Longer than most hashes hold the thread and its timers. If a place is removed by mistake, its
 * work starts out of turn.
 */
const GONE_AFTER_MS = 2000;

type Place = { client: string | undefined; seenAt: number; call: () => void };

export type QueueLimits = {
  /** How many may wait for the one at work. */
  waiting: number;
  /** How many of one client may wait or work. */
  ofClient: number;
  /** How long one may wait, in milliseconds. */
  waitMs: number;
};

/** @returns `inTurn`, which runs work when it has come to the front */
export function createQueue({ waiting, ofClient, waitMs }: QueueLimits) {
  /** The first one is at work. */
  let places: Place[] = [];

  const leave = (isLeaving: (place: Place) => boolean) => {
    for (const place of places.filter(isLeaving)) place.call();
    places = places.filter((place) => !isLeaving(place));
    places[0]?.call();
  };

  const removeGone = () => {
    const goneBefore = Date.now() - GONE_AFTER_MS;
    leave(({ seenAt }) => seenAt < goneBefore);
  };

  /**
   * @param client whose work it is; undefined if unknown, and then only the other limits apply
   * @throws ServiceUnavailable if a limit is reached
   */
  return async function inTurn<T>(work: () => Promise<T>, client?: string): Promise<T> {
    removeGone();
    if (places.length > waiting) throw new ServiceUnavailable('hashing', 'Too many wait');
    const its = places.filter((place) => client !== undefined && place.client === client);
    if (its.length >= ofClient)
      throw new ServiceUnavailable('hashing', 'Too many of one client wait');

    const { promise: called, resolve: call, reject } = Promise.withResolvers<void>();
    const cameAt = Date.now();
    const mine: Place = { client, seenAt: cameAt, call };
    places.push(mine);
    const timer = setInterval(() => {
      mine.seenAt = Date.now();
      removeGone();
      // This has no effect once the place has been called.
      if (mine.seenAt - cameAt >= waitMs)
        reject(new ServiceUnavailable('hashing', 'It waited too long'));
    }, LOOK_MS);
    try {
      if (places[0] === mine) call();
      else await called.then(giveThreadBack);
      return await work();
    } finally {
      clearInterval(timer);
      leave((place) => place === mine);
    }
  };
}
