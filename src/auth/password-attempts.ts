/**
 * How often the password of one account may be wrong in a row, over all addresses. After some
 * failures each next attempt must wait. After 100 the password is disabled until it is changed (NIST
 * SP 800-63B-4 §3.2.2).
 */

import type { Verification } from '../hashing/hashers.ts';
import { ok, type Result } from '../lib/result.ts';
import type { AuthServices } from './auth-services.ts';

/** `waitSeconds` is undefined if waiting does not help: the password must be changed. */
export type TooManyFailures = { kind: 'throttled'; waitSeconds: number | undefined };

/** What can become of an attempt that was counted as failed. */
export type CountedAttempt = {
  /** The password was right: forgets the failures up to this attempt. */
  forgetFailures: () => Promise<void>;
  /** The password was not checked: forgets this attempt. */
  takeBack: () => Promise<void>;
};

/** Whose attempts are counted. */
export type Account = {
  name: string;
  /**
   * The password as it is stored; undefined for an unknown name. A new password starts from zero,
   * however it was set.
   */
  stored: string | undefined;
};

export type PasswordAttempts = {
  /**
   * Counts an attempt as failed before the password is checked. So attempts at the same time cannot
   * pass the limit together.
   *
   * @returns undefined in place of `CountedAttempt` if nothing is counted
   * @throws ServiceUnavailable if the count is not available
   */
  begin: (account: Account) => Promise<Result<CountedAttempt | undefined, TooManyFailures>>;
};

type Tried = Verification & {
  /** To be called if the attempt succeeded. Undefined if nothing is counted. */
  forgetFailures: CountedAttempt['forgetFailures'] | undefined;
};

/**
 * Checks a password, if it may be tried. The attempt counts as failed until `forgetFailures`.
 *
 * @param encoded what the password is checked against
 */
export async function tryPassword(
  { hashing, passwordAttempts }: AuthServices,
  account: Account,
  password: string,
  encoded: string | undefined,
): Promise<Result<Tried, TooManyFailures>> {
  const attempt = await passwordAttempts.begin(account);
  if (!attempt.ok) return attempt;
  try {
    const verification = await hashing.verifyPassword(password, encoded);
    return ok({ ...verification, forgetFailures: attempt.value?.forgetFailures });
  } catch (error) {
    await attempt.value?.takeBack();
    throw error;
  }
}

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
