/**
 * How often logins to one account may fail in a row, over all addresses. After some failures each
 * next attempt must wait, and after 100 the password is disabled until it is changed (NIST SP
 * 800-63B-4 §3.2.2).
 */
import type { Result } from '../result.ts';

/** `waitSeconds` is undefined if waiting does not help: the password must be changed. */
export type TooManyFailures = { kind: 'throttled'; waitSeconds: number | undefined };

/** Takes the attempt back, and the failures before it. To be called after a login that succeeded. */
export type ForgetFailures = () => Promise<void>;

export type LoginAttempts = {
  /**
   * Counts an attempt as failed before its password is checked. So attempts at the same time cannot
   * pass the limit together.
   *
   * The count belongs to the name and the stored password. A new password starts from zero, whoever
   * has set it, and an unknown name is counted like any other.
   *
   * @param username in its normal form
   * @param storedPassword undefined for an unknown name
   * @returns undefined in place of `ForgetFailures` if nothing is counted
   * @throws ServiceUnavailable if the count is not available
   */
  begin: (
    username: string,
    storedPassword: string | undefined,
  ) => Promise<Result<ForgetFailures | undefined, TooManyFailures>>;
};

/** Failures without a wait: as many as `LOGIN_LIMIT` lets one address make in a minute. */
const FREE_FAILURES = 10;

/** NIST's upper bound of failed attempts in a row. */
export const MAX_FAILURES = 100;

/** NIST's example of waits that increase: "30 seconds up to an hour". */
const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 3_600_000;

/**
 * How long the next attempt must wait after the last one. Each wait is twice as long as the one
 * before: 30 seconds after 10 failures, an hour from 17 on.
 *
 * @param failures in a row
 * @returns milliseconds; `Infinity` after `MAX_FAILURES`
 */
export function waitAfter(failures: number): number {
  if (failures < FREE_FAILURES) return 0;
  if (failures >= MAX_FAILURES) return Number.POSITIVE_INFINITY;
  return Math.min(FIRST_WAIT_MS * 2 ** (failures - FREE_FAILURES), LONGEST_WAIT_MS);
}
