/**
 * Counts the revocations of this isolate: changes that revoke a token or replace a password. A login
 * reads the user, then hashes for a while. If the count is the same afterwards, then no revocation
 * that this isolate has answered meanwhile can have changed what the login read. Revocations of other
 * isolates are not counted.
 */
import type { Queries } from './queries.ts';

export type Store = Queries & {
  /** How many revocations have ended in this isolate, failed ones included. */
  revocations: () => number;
};

export function withRevocations(queries: Queries): Store {
  let revocations = 0;

  const counted =
    <A extends unknown[], T>(revoke: (...args: A) => Promise<T>) =>
    async (...args: A) => {
      try {
        return await revoke(...args);
      } finally {
        revocations++;
      }
    };

  return {
    ...queries,
    revocations: () => revocations,
    deleteToken: counted(queries.deleteToken),
    deleteUser: counted(queries.deleteUser),
    replacePasswordAndToken: counted(queries.replacePasswordAndToken),
    replacePasswordAndDeleteToken: counted(queries.replacePasswordAndDeleteToken),
  };
}
