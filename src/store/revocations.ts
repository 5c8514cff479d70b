/**
 * Counts the revocations of this isolate: changes that revoke a token or replace a password. A
 * login reads the user and then hashes the password. If the count is still the same afterwards, the
 * token that the login read was not revoked by this isolate. Revocations by other isolates are not
 * counted.
 */
import type { Queries } from './queries.ts';

export type Store = Queries & {
  /** Finished revocations of this isolate, including failed ones. */
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
    deleteUserAsStaff: counted(queries.deleteUserAsStaff),
    changeUser: async (id, change) => counted(() => queries.changeUser(id, change))(),
    changeEmailToVerify: counted(queries.changeEmailToVerify),
    replacePasswordAndKeepToken: counted(queries.replacePasswordAndKeepToken),
    replacePasswordAndToken: counted(queries.replacePasswordAndToken),
    replacePasswordAndDeleteToken: counted(queries.replacePasswordAndDeleteToken),
  };
}
