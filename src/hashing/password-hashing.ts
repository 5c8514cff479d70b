/** Where and when passwords are hashed: the one way in which the domain gets a hash. */
import { makePassword, type Verification, verifyPassword } from './hashers.ts';
import { inTurn } from './queue.ts';

/** Hashing, here or elsewhere. Each call throws `ServiceUnavailable` if it cannot be done now. */
export type PasswordHashing = {
  /** Encodes a password for storage. */
  makePassword: (password: string) => Promise<string>;
  /** Checks a password against its stored form; undefined if there is no such user. */
  verifyPassword: (password: string, encoded: string | undefined) => Promise<Verification>;
};

/** The network address that a request comes from; undefined if it is unknown. */
export type Client = () => string | undefined;

/**
 * Hashes in this isolate.
 *
 * @param iterations PBKDF2's work factor for new passwords
 * @param client may hold only a part of the queue
 */
export const createLocalHasher = (
  iterations: number,
  client: Client = () => undefined,
): PasswordHashing => ({
  makePassword: (password) => inTurn(() => makePassword(password, iterations), client()),
  verifyPassword: (password, encoded) =>
    inTurn(() => verifyPassword(password, encoded, iterations), client()),
});
