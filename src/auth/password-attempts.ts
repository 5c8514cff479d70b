/**
 * Limits wrong passwords in a row for one account, from all addresses. After 10 failures each
 * further attempt must wait. After 100 the password is disabled until it is changed (NIST
 * SP 800-63B-4 §3.2.2).
 */

import type { Verification } from '../hashing/hashers.ts';
import { identifyPassword, type PasswordKind } from '../hashing/identify.ts';
import type { PasswordHashing } from '../hashing/password-hashing.ts';
import { ok, type Result } from '../lib/result.ts';
import type { Settings } from '../settings.ts';

/** `waitSeconds` is undefined if waiting does not help: the password must be changed. */
export type TooManyFailures = { kind: 'throttled'; waitSeconds: number | undefined };

/** Functions that correct an attempt which was counted as failed. */
export type CountedAttempt = {
  /** For a correct password: deletes the failures up to this attempt. */
  forgetFailures: () => Promise<void>;
  /** For a password that was not checked: deletes this attempt. */
  takeBack: () => Promise<void>;
};

/** The account whose attempts are counted. */
export type Account = {
  name: string;
  /**
   * The stored password; undefined for an unknown name. The count of a new password starts at zero,
   * however the password was set.
   */
  stored: string | undefined;
};

export type PasswordAttempts = {
  /**
   * Counts an attempt as failed before the password is checked. So concurrent attempts cannot
   * exceed the limit.
   *
   * @returns undefined instead of `CountedAttempt` if nothing is counted
   * @throws ServiceUnavailable if the count is not available
   */
  begin: (account: Account) => Promise<Result<CountedAttempt | undefined, TooManyFailures>>;
};

type Tried = Verification & {
  /** Of the stored password to check against; undefined if there is none. */
  kind: PasswordKind | undefined;
  /** Call it if the attempt succeeded. Undefined if nothing is counted. */
  forgetFailures: CountedAttempt['forgetFailures'] | undefined;
};

/** The services that check a password. */
type Checks = {
  hashing: PasswordHashing;
  passwordAttempts: PasswordAttempts;
  settings: Pick<Settings, 'passwordHashers'>;
};

/**
 * Checks a password, unless the account must wait. The attempt counts as failed until
 * `forgetFailures`. A hash that cannot be checked takes the time of a new one.
 *
 * @param encoded the stored password to check against
 */
export async function tryPassword(
  { hashing, passwordAttempts, settings }: Checks,
  account: Account,
  password: string,
  encoded: string | undefined,
): Promise<Result<Tried, TooManyFailures>> {
  const attempt = await passwordAttempts.begin(account);
  if (!attempt.ok) return attempt;
  try {
    const kind =
      encoded === undefined ? undefined : identifyPassword(encoded, settings.passwordHashers).kind;
    const verification = await hashing.verifyPassword(
      password,
      kind === 'verifiable' ? encoded : undefined,
    );
    return ok({ ...verification, kind, forgetFailures: attempt.value?.forgetFailures });
  } catch (error) {
    await attempt.value?.takeBack();
    throw error;
  }
}

/** Failures without a wait: as many as `LOGIN_LIMIT` allows one address in a minute. */
const FREE_FAILURES = 10;

/** NIST's maximum of failed attempts in a row. */
export const MAX_FAILURES = 100;

/** NIST's example of increasing waits: "30 seconds up to an hour". */
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
