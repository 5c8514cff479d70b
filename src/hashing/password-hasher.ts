/**
 * The Durable Object in which passwords are hashed. Cloudflare gives it 30 s of CPU for each call, on
 * every plan.
 */
import { DurableObject } from 'cloudflare:workers';
import { logFault } from '../lib/log.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Unavailable } from '../lib/service-unavailable.ts';
import type { Verification } from './hashers.ts';
import { createLocalHasher } from './password-hashing.ts';

/**
 * Hashes passwords for this Worker and stores nothing. Errors are logged here and not thrown, because
 * RPC would carry their messages to the caller.
 */
export class PasswordHasher extends DurableObject {
  /** Parameters as `createLocalHasher` and `makePassword` in hashing/password-hashing.ts. */
  makePassword(
    password: string,
    iterations: number,
    client: string | undefined,
  ): Promise<Result<string, Unavailable>> {
    return answer(createLocalHasher(iterations, () => client).makePassword(password));
  }

  /** Parameters as `createLocalHasher` and `verifyPassword` in hashing/password-hashing.ts. */
  verifyPassword(
    password: string,
    encoded: string | undefined,
    iterations: number,
    client: string | undefined,
  ): Promise<Result<Verification, Unavailable>> {
    return answer(createLocalHasher(iterations, () => client).verifyPassword(password, encoded));
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
