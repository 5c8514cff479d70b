/** The cost of hashing in production, in words for operators. No I/O. */
import { number } from '../lib/format-number.ts';

/** The highest count that WebCrypto accepts in production. Locally it accepts all. */
export const MAX_NATIVE_ITERATIONS = 100_000;

/**
 * CPU milliseconds of a request on the free plan
 * (developers.cloudflare.com/workers/platform/limits).
 */
const FREE_PLAN_CPU_MS = 10;

/** Milliseconds for 1,000 iterations in workerd (docs/performance.md). */
const NATIVE_MS = 0.12;
const WEBASSEMBLY_MS = 0.3;
const JAVASCRIPT_SHA1_MS = 1.8;

/** CPU milliseconds in production of PBKDF2 with this many iterations. */
export function cpuMsOf(algorithm: string, iterations: number): number {
  const thousands = iterations / 1000;
  if (iterations <= MAX_NATIVE_ITERATIONS) return thousands * NATIVE_MS;
  return thousands * (algorithm === 'pbkdf2_sha1' ? JAVASCRIPT_SHA1_MS : WEBASSEMBLY_MS);
}

/**
 * The cost of a login, and the plans on which it works.
 *
 * @param hasPasswordHasher whether the Worker hashes passwords in Durable Objects
 */
export function loginCost(
  iterations: number,
  hasPasswordHasher: boolean,
): { isOnEveryPlan: boolean; line: string } {
  const cpuMs = cpuMsOf('pbkdf2_sha256', iterations);
  const isOnEveryPlan = hasPasswordHasher || cpuMs < FREE_PLAN_CPU_MS;
  const where = hasPasswordHasher
    ? 'in a Durable Object, on every plan'
    : isOnEveryPlan
      ? `of the ${FREE_PLAN_CPU_MS} ms that Workers Free has`
      : `and Workers Free has ${FREE_PLAN_CPU_MS}: bind PASSWORD_HASHER, or be on Workers Paid`;
  return {
    isOnEveryPlan,
    line:
      `PBKDF2_ITERATIONS ${number(iterations)}: in production a login or registration costs ` +
      `about ${number(Math.round(cpuMs))} ms of CPU, ${where}`,
  };
}
