/** Password hashing by way of the `PASSWORD_HASHER` binding. */
import type { PasswordHashing } from './auth/passwords/password-hashing.ts';
import type { Result } from './result.ts';
import type { PasswordHasher } from './rpc/password-hasher.ts';
import { ServiceUnavailable, type Unavailable } from './service-unavailable.ts';
import { withTimeout } from './with-timeout.ts';

/**
 * The CPU time an object has for a call
 * (developers.cloudflare.com/durable-objects/platform/limits).
 */
const TIMEOUT_MS = 30_000;

/**
 * Hashes passwords in Durable Objects, one at a time in each. An object that is idle is used again;
 * where none is idle there is a new one. One that can't be reached, doesn't answer or has too much
 * to do is a `ServiceUnavailable`, never a wrong password.
 *
 * @param iterations PBKDF2's work factor for passwords made today
 */
export function hashInObjects(
  objects: DurableObjectNamespace<PasswordHasher>,
  iterations: number,
): PasswordHashing {
  const idle: DurableObjectId[] = [];

  async function inObject<T>(
    ask: (hasher: DurableObjectStub<PasswordHasher>) => Promise<Result<T, Unavailable>>,
  ): Promise<T> {
    const id = idle.pop() ?? objects.newUniqueId();
    const answer = await answerInTime(() => ask(objects.get(id)));
    idle.push(id);
    if (answer.ok) return answer.value;
    throw new ServiceUnavailable('hashing', 'The object has too much to do');
  }

  return {
    makePassword: (password) => inObject((hasher) => hasher.makePassword(password, iterations)),
    verifyPassword: (password, encoded) =>
      inObject((hasher) => hasher.verifyPassword(password, encoded, iterations)),
  };
}

/** @throws ServiceUnavailable where the answer is an error, or doesn't come */
async function answerInTime<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await withTimeout(TIMEOUT_MS, ask);
  } catch (error) {
    throw new ServiceUnavailable('hashing', 'The object did not answer', { cause: error });
  }
}
