/** Where and when passwords are hashed: the one way in which the domain gets a hash. */
import { makePassword, type Verification, verifyPassword } from './hashers.ts';
import { createQueue } from './queue.ts';

/** Hashing, here or elsewhere. Each call throws `ServiceUnavailable` if it cannot be done now. */
export type PasswordHashing = {
  /** Encodes a password for storage. */
  makePassword: (password: string) => Promise<string>;
  /** Checks a password against its stored form; undefined if there is no such user. */
  verifyPassword: (password: string, encoded: string | undefined) => Promise<Verification>;
};

/** The network address that a request comes from; undefined if it is unknown. */
export type Client = () => string | undefined;

/** At 180 ms a hash the last of 64 waits for 12 seconds. */
const MAX_WAITING = 64;

/**
 * A client is an address. A class of 32 may share one, log in at once, and some of them press twice.
 * At least 24 places are left for other addresses.
 */
const MAX_OF_CLIENT = 40;

/**
 * Reached only by hashes of more than the default iterations. It leaves 10 of the 30 seconds that an
 * object has for a call (hash-in-objects.ts).
 */
const MAX_WAIT_MS = 20_000;

/** All hashing of this isolate, for every purpose. */
const inTurn = createQueue({
  waiting: MAX_WAITING,
  ofClient: MAX_OF_CLIENT,
  waitMs: MAX_WAIT_MS,
});

/**
 * Hashes in this isolate, one password after the other.
 *
 * @param iterations PBKDF2's work factor for new passwords
 * @param client may hold only a part of the queue
 */
export const hashHere = (
  iterations: number,
  client: Client = () => undefined,
): PasswordHashing => ({
  makePassword: (password) => inTurn(() => makePassword(password, iterations), client()),
  verifyPassword: (password, encoded) =>
    inTurn(() => verifyPassword(password, encoded, iterations), client()),
});
