/**
 * The object in which passwords are hashed: Cloudflare gives it 30 s of CPU for each call, on every
 * plan.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Verification } from '../auth/passwords/hashers.ts';
import { hashHere } from '../auth/passwords/password-hashing.ts';
import { logFault } from '../log.ts';
import { err, ok, type Result } from '../result.ts';
import type { Unavailable } from '../service-unavailable.ts';

/**
 * Hashes passwords for this Worker. Nothing is stored here. What is thrown stays here too, in the
 * log: RPC would carry the message to its caller.
 */
export class PasswordHasher extends DurableObject {
  /** Parameters as `makePassword` in auth/passwords/hashers.ts. */
  makePassword(password: string, iterations: number): Promise<Result<string, Unavailable>> {
    return answer(hashHere(iterations).makePassword(password));
  }

  /** Parameters as `verifyPassword` in auth/passwords/hashers.ts. */
  verifyPassword(
    password: string,
    encoded: string | undefined,
    iterations: number,
  ): Promise<Result<Verification, Unavailable>> {
    return answer(hashHere(iterations).verifyPassword(password, encoded));
  }
}

async function answer<T>(work: Promise<T>): Promise<Result<T, Unavailable>> {
  try {
    return ok(await work);
  } catch (error) {
    logFault(error);
    return err({ kind: 'unavailable' });
  }
}
