/** Password hashing with the `PASSWORD_HASHER` binding. */

import type { Result } from '../lib/result.ts';
import { ServiceUnavailable, type Unavailable } from '../lib/service-unavailable.ts';
import { withTimeout } from '../lib/with-timeout.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { Client, PasswordHashing } from './password-hashing.ts';

/**
 * Objects per isolate. If a class of 32 logs in at once, each object gets four passwords, as many as an
 * isolate derives together. Further logins wait in the queues of these objects.
 */
const MAX_OBJECTS = 8;

/**
 * The CPU time limit of a call to an object
 * (developers.cloudflare.com/durable-objects/platform/limits). A call needs less time than this,
 * including its wait in the queue.
 */
const TIMEOUT_MS = 30_000;

/** An object, and the start time of each of its pending calls. */
type Member = { id: DurableObjectId; calls: Set<{ begunAt: number }> };

/**
 * Hashes passwords in a limited number of Durable Objects. A call uses an idle object, then a new
 * one, then the one with the fewest calls. If an object cannot be reached, does not respond or is
 * overloaded, `ServiceUnavailable` is thrown. It is never reported as a wrong password.
 *
 * @param iterations PBKDF2's work factor for new passwords
 * @returns a function that returns the hashing for a client
 */
export function createDurableObjectHasher(
  objects: DurableObjectNamespace<PasswordHasher>,
  iterations: number,
): (client?: Client) => PasswordHashing {
  let pool: Member[] = [];

  const leastLoaded = (): Member => {
    // Workers may cancel a request when its client disconnects. Then it never removes its calls.
    const expiredBefore = Date.now() - TIMEOUT_MS;
    for (const { calls } of pool)
      for (const call of calls) if (call.begunAt < expiredBefore) calls.delete(call);

    const [least] = pool.toSorted((a, b) => a.calls.size - b.calls.size);
    if (least && (least.calls.size === 0 || pool.length === MAX_OBJECTS)) return least;
    const added = { id: objects.newUniqueId(), calls: new Set<{ begunAt: number }>() };
    pool.push(added);
    return added;
  };

  async function callObject<T>(
    run: (hasher: DurableObjectStub<PasswordHasher>) => Promise<Result<T, Unavailable>>,
  ): Promise<T> {
    const member = leastLoaded();
    const call = { begunAt: Date.now() };
    member.calls.add(call);
    try {
      const result = await withTimeout(TIMEOUT_MS, () => run(objects.get(member.id)));
      if (result.ok) return result.value;
    } catch (error) {
      // Do not use this object again.
      pool = pool.filter((other) => other !== member);
      throw new ServiceUnavailable('hashing', 'The Durable Object failed or did not respond', {
        cause: error,
      });
    } finally {
      member.calls.delete(call);
    }
    throw new ServiceUnavailable(
      'hashing',
      'The Durable Object could not hash. Its own log has the reason',
    );
  }

  return (client = () => undefined) => ({
    makePassword: (password) =>
      callObject((hasher) => hasher.makePassword(password, iterations, client())),
    verifyPassword: (password, encoded) =>
      callObject((hasher) => hasher.verifyPassword(password, encoded, iterations, client())),
  });
}
