/**
 * One hash at a time. An isolate has one thread, and a hash holds it for a tenth of a second: were all
 * waiting logins let in at once, nothing else would be answered until the last of them was done. Between
 * two hashes the gate is left alone for a moment, in which token checks get their turn.
 *
 * On Workers a request whose client has gone away may simply stop: what it was to do last is never done.
 * So nobody here waits for what another request does; whoever waits looks by its own timer, and takes
 * those for gone who show no sign of life for many looks. A clock would not do: on Workers it stands
 * still while a hash is computed, and the looks do too.
 */

/** Thrown where too many wait already. */
export class HashingOverloaded extends Error {
  override name = 'HashingOverloaded';
}

export type GateOptions = {
  /** How many may wait; one more is turned away. */
  maxWaiting: number;
  /** Milliseconds between two looks of the first in the queue. */
  pauseMs: number;
  /** After how many looks without a sign of life somebody inside, or waiting, is taken for gone. */
  lostAfterLooks: number;
  /** Resolves after a number of milliseconds. */
  sleep?: (ms: number) => Promise<void>;
};

/** How late a timer is at most while the isolate has nothing else to do: workerd's take 2 to 3 ms for 1. */
const IDLE_LATENESS_MS = 2;

/** After how many looks at an open gate one goes in, however busy the isolate is. */
const MAX_OPEN_LOOKS = 10;

/** Who is further back looks less often: all looks together must not keep the isolate busy themselves. */
const LOOKS_APART = 5;
const MAX_LOOKS_APART = 50;

/** How long all who wait must have been silent before a newcomer, who cannot watch them, forgets them. */
const FORGOTTEN_AFTER_MS = 2000;

/** How long after a hash token checks may still be busy with what came in while it held the thread. */
const RECENTLY_MS = 250;

/** Somebody inside or waiting. One who waits beats with each look. */
type Visitor = { beats: number; beatAt: number };

/**
 * @returns `pass` runs work when its turn has come: at once where nobody is inside, waits, or just was.
 *   `announce` is to be called with each token check.
 */
export function createGate({
  maxWaiting,
  pauseMs,
  lostAfterLooks,
  sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}: GateOptions) {
  let inside: Visitor | undefined;
  let passed = 0;
  let leftAt = Number.NEGATIVE_INFINITY;
  let tokenChecks = 0;
  let tokenChecksWhenLeft = 0;
  /** In the order they came. */
  const waiting = new Set<Visitor>();

  /** Where all who wait are gone, none of them can look: then a newcomer goes by the clock. */
  const forgetByClock = () => {
    const gone = Date.now() - FORGOTTEN_AFTER_MS;
    for (const visitor of waiting) if (visitor.beatAt < gone) waiting.delete(visitor);
  };

  /** Resolves when it is our turn, and nobody has passed since our last look. */
  async function wait(): Promise<void> {
    const me: Visitor = { beats: 0, beatAt: Date.now() };
    waiting.add(me);
    const looks = new WeakMap<Visitor, { beats: number; count: number }>();
    const isGone = (visitor: Visitor) => {
      const seen = looks.get(visitor);
      if (seen?.beats === visitor.beats) return ++seen.count > lostAfterLooks;
      looks.set(visitor, { beats: visitor.beats, count: 0 });
      return false;
    };

    for (let looks = 0, openLooks = 0; ; looks++) {
      const [passedBefore, tokenChecksBefore, lookedAt] = [passed, tokenChecks, Date.now()];
      const before = [...waiting].indexOf(me);
      const looksApart = Math.max(1, Math.min(before * LOOKS_APART, MAX_LOOKS_APART));
      // The first look is but for those to be seen who came while the thread was held.
      const pause = looks === 0 && before === 0 ? 0 : pauseMs * looksApart;
      await sleep(pause);
      me.beats++;
      me.beatAt = Date.now();
      waiting.add(me); // again, where a newcomer took us for gone
      for (const visitor of waiting) if (visitor !== me && isGone(visitor)) waiting.delete(visitor);
      if (inside && isGone(inside)) inside = undefined;
      if (inside || passed !== passedBefore || [...waiting][0] !== me) continue;
      if (tokenChecks === tokenChecksWhenLeft) break;
      // A timer that is late says that others have work to do: they go first, but not for ever.
      const isOnTime = me.beatAt - lookedAt <= pause + IDLE_LATENESS_MS;
      const isIdle = pause > 0 && isOnTime && tokenChecks === tokenChecksBefore;
      if (isIdle || ++openLooks >= MAX_OPEN_LOOKS) break;
    }
    waiting.delete(me);
  }

  const announce = () => {
    tokenChecks++;
  };

  /** @throws HashingOverloaded */
  async function pass<T>(work: () => T | Promise<T>): Promise<T> {
    forgetByClock();
    if (waiting.size >= maxWaiting) {
      throw new HashingOverloaded('Too many wait to have a password hashed');
    }
    const isQuiet = Date.now() - leftAt > RECENTLY_MS;
    if (inside || waiting.size > 0 || !isQuiet) await wait();
    const me: Visitor = { beats: 0, beatAt: 0 };
    inside = me;
    try {
      return await work();
    } finally {
      passed++;
      leftAt = Date.now();
      tokenChecksWhenLeft = tokenChecks;
      if (inside === me) inside = undefined;
    }
  }

  return { pass, announce };
}
