/** The interface by which the domain hashes passwords, and the hasher of this isolate. */
import { makePassword, type Verification, verifyPassword } from './hashers.ts';
import { inTurn } from './queue.ts';

/** Hashes in this isolate or a Durable Object. Throws `ServiceUnavailable` on overload or failure. */
export type PasswordHashing = {
  /** Encodes a password for storage. */
  makePassword: (password: string) => Promise<string>;
  /** Checks a password against its stored form, which is undefined for an unknown user. */
  verifyPassword: (password: string, encoded: string | undefined) => Promise<Verification>;
};

/** Returns the network address of the request's client; undefined if it is unknown. */
export type Client = () => string | undefined;

/**
 * Hashes in this isolate.
 *
 * @param iterations PBKDF2's work factor for new passwords
 * @param client one client can occupy only a part of the queue
 */
export const createLocalHasher = (
  iterations: number,
  client: Client = () => undefined,
): PasswordHashing => ({
  makePassword: (password) => inTurn(() => makePassword(password, iterations), client()),
  verifyPassword: (password, encoded) =>
    inTurn(() => verifyPassword(password, encoded, iterations), client()),
});
