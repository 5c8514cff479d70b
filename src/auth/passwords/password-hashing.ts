/** Where and when passwords are hashed: the one way in which the domain gets a hash. */
import { makePassword, type Verification, verifyPassword } from './hashers.ts';
import { createQueue } from './queue.ts';

/** Hashing, here or elsewhere. Each call throws `ServiceUnavailable` where it can't be done now. */
export type PasswordHashing = {
  /** Encodes a password for storage. */
  makePassword: (password: string) => Promise<string>;
  /** Checks a password against its stored form; undefined where there is no such user. */
  verifyPassword: (password: string, encoded: string | undefined) => Promise<Verification>;
};

/** A classroom may wait: at 180 ms a hash the last of 64 waits for 12 seconds. */
const MAX_WAITING = 64;

/** All hashing of this isolate, whatever it is for. */
const inTurn = createQueue(MAX_WAITING);

/**
 * Hashes in this isolate, one password after the other.
 *
 * @param iterations PBKDF2's work factor for passwords made today
 */
export const hashHere = (iterations: number): PasswordHashing => ({
  makePassword: (password) => inTurn(() => makePassword(password, iterations)),
  verifyPassword: (password, encoded) =>
    inTurn(() => verifyPassword(password, encoded, iterations)),
});
