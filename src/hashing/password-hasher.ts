/**
 * The Durable Object that hashes passwords. Its CPU time limit is 30 s per call, on every
 * Cloudflare plan.
 */
import { DurableObject } from 'cloudflare:workers';
import { logFault } from '../lib/log.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Unavailable } from '../lib/service-unavailable.ts';
import type { Verification } from './hashers.ts';
import { createLocalHasher } from './password-hashing.ts';

/**
 * Hashes passwords for this Worker. Stores nothing. Errors are logged here and not thrown, because
 * RPC would send their messages to the caller.
 */
export class PasswordHasher extends DurableObject {
  /** For the parameters, see `createLocalHasher` and `makePassword` in password-hashing.ts. */
  makePassword(
    password: string,
    iterations: number,
    client: string | undefined,
  ): Promise<Result<string, Unavailable>> {
    return toResult(createLocalHasher(iterations, () => client).makePassword(password));
  }

  /** For the parameters, see `createLocalHasher` and `verifyPassword` in password-hashing.ts. */
  verifyPassword(
    password: string,
    encoded: string | undefined,
    iterations: number,
    client: string | undefined,
  ): Promise<Result<Verification, Unavailable>> {
    return toResult(createLocalHasher(iterations, () => client).verifyPassword(password, encoded));
  }
}

async function toResult<T>(work: Promise<T>): Promise<Result<T, Unavailable>> {
  try {
    return ok(await work);
  } catch (error) {
    logFault(error);
    return err({ kind: 'unavailable' });
  }
}
