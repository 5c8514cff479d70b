/** Password hashing by way of the `PASSWORD_HASHER` binding. */

import type { Result } from '../lib/result.ts';
import { ServiceUnavailable, type Unavailable } from '../lib/service-unavailable.ts';
import { withTimeout } from '../lib/with-timeout.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { Client, PasswordHashing } from './password-hashing.ts';

/**
 * Objects that an isolate uses. A class of 32 that logs in at once has four passwords in each, as many
 * as an isolate derives together. More logins wait in the queues of these objects.
 */
const MAX_OBJECTS = 8;

/**
 * The CPU time that an object has for a call
 * (developers.cloudflare.com/durable-objects/platform/limits). It is more than a call waits in the
 * object's queue and then works.
 */
const TIMEOUT_MS = 30_000;

/** An object, and when each call that it has not answered began. */
type Member = { id: DurableObjectId; calls: Set<{ begunAt: number }> };

/**
 * Hashes passwords in a bounded number of Durable Objects. A call goes to an idle object, or a new
 * one, or the one with the fewest calls. An object that cannot be reached, does not answer or has too
 * much to do is a `ServiceUnavailable`, never a wrong password.
 *
 * @param iterations PBKDF2's work factor for new passwords
 * @returns the hashing for a client
 */
export function createDurableObjectHasher(
  objects: DurableObjectNamespace<PasswordHasher>,
  iterations: number,
): (client?: Client) => PasswordHashing {
  let pool: Member[] = [];

  const leastLoaded = (): Member => {
    // A request may stop for good when its client disconnects. Then it never ends its calls.
    const overBefore = Date.now() - TIMEOUT_MS;
    for (const { calls } of pool)
      for (const call of calls) if (call.begunAt < overBefore) calls.delete(call);

    const [least] = pool.toSorted((a, b) => a.calls.size - b.calls.size);
    if (least && (least.calls.size === 0 || pool.length === MAX_OBJECTS)) return least;
    const added = { id: objects.newUniqueId(), calls: new Set<{ begunAt: number }>() };
    pool.push(added);
    return added;
  };

  async function inObject<T>(
    ask: (hasher: DurableObjectStub<PasswordHasher>) => Promise<Result<T, Unavailable>>,
  ): Promise<T> {
    const member = leastLoaded();
    const call = { begunAt: Date.now() };
    member.calls.add(call);
    try {
      const answer = await withTimeout(TIMEOUT_MS, () => ask(objects.get(member.id)));
      if (answer.ok) return answer.value;
    } catch (error) {
      // The next call gets another object in its place.
      pool = pool.filter((other) => other !== member);
      throw new ServiceUnavailable('hashing', 'The object did not answer', { cause: error });
    } finally {
      member.calls.delete(call);
    }
    throw new ServiceUnavailable('hashing', 'The object has too much to do');
  }

  return (client = () => undefined) => ({
    makePassword: (password) =>
      inObject((hasher) => hasher.makePassword(password, iterations, client())),
    verifyPassword: (password, encoded) =>
      inObject((hasher) => hasher.verifyPassword(password, encoded, iterations, client())),
  });
}
