/**
 * One password at a time, first come, first served. An isolate has one thread: two hashes at once
 * would both take twice as long, and token checks would wait for both.
 *
 * On Workers a request may stop for good when its client goes away, and then it calls nobody. So
 * each place in the queue shows by a timer that it is still there, and one that doesn't is passed
 * over.
 */

import { giveThreadBack } from '../../give-thread-back.ts';
import { ServiceUnavailable } from '../../service-unavailable.ts';

const LOOK_MS = 250;

/** Longer than most hashes hold the thread and its timers. A wrong guess costs the order alone. */
const GONE_AFTER_MS = 2000;
type Place = { seenAt: number; call: () => void };

/**
 * @param maxWaiting how many may wait; one more is turned away
 * @returns `inTurn` runs work when it has come to the front
 */
export function createQueue(maxWaiting: number) {
  /** The first one is at work. */
  let places: Place[] = [];

  const leave = (isLeaving: (place: Place) => boolean) => {
    // One that was thought gone and isn't goes to work, out of turn.
    for (const place of places.filter(isLeaving)) place.call();
    places = places.filter((place) => !isLeaving(place));
    places[0]?.call();
  };

  const passOverTheGone = () => {
    const goneBefore = Date.now() - GONE_AFTER_MS;
    leave(({ seenAt }) => seenAt < goneBefore);
  };

  /** @throws ServiceUnavailable where too many wait already */
  return async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    passOverTheGone();
    if (places.length > maxWaiting) throw new ServiceUnavailable('hashing', 'Too many wait');
    const { promise: called, resolve: call } = Promise.withResolvers<void>();
    const mine = { seenAt: Date.now(), call };
    places.push(mine);
    const timer = setInterval(() => {
      mine.seenAt = Date.now();
      passOverTheGone();
    }, LOOK_MS);
    try {
      if (places[0] !== mine) await called.then(giveThreadBack);
      return await work();
    } finally {
      clearInterval(timer);
      leave((place) => place === mine);
    }
  };
}
