/** Django's own verdicts on stored passwords, on both paths of PBKDF2. */
import * as v from 'valibot';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { verifyPassword } from '../../../src/auth/passwords/hashers.ts';
import recorded from '../../conformance/password-vectors.json?raw';
import { refuseAbove } from '../../helpers/refuse-above.ts';

const Vectors = v.object({
  vectors: v.array(
    v.object({
      id: v.string(),
      password: v.nullable(v.string()),
      encoded: v.string(),
      verdict: v.union([v.boolean(), v.literal('raises')]),
    }),
  ),
});

/** No password at all (`null`) is what no request can ask for: validation refuses it. */
const vectors = v
  .parse(Vectors, JSON.parse(recorded))
  .vectors.flatMap(({ password, ...vector }) =>
    password === null ? [] : [{ ...vector, password }],
  );

const ITERATIONS = 1000;

/** Under the test runner, which rewrites every import, JavaScript hashes about six times slower. */
const SLOWEST_VECTOR_MS = 120_000;

afterEach(() => vi.restoreAllMocks());

describe.each([
  { path: 'the runtime derives', arrange: () => vi.spyOn(crypto.subtle, 'deriveBits') },
  { path: 'the runtime refuses more than 100,000 iterations', arrange: () => refuseAbove(100_000) },
])('where $path', { timeout: SLOWEST_VECTOR_MS }, ({ arrange }) => {
  it.each(vectors)('$id is judged as by Django', async ({ password, encoded, verdict }) => {
    arrange();
    const { isCorrect } = await verifyPassword(password, encoded, ITERATIONS);
    // Where Django raises, its login answers 500; what matters is that nobody gets in.
    expect(isCorrect).toBe(verdict === true);
  });
});

it('holds a verdict of each kind', () => {
  const verdicts = vectors.map(({ verdict }) => verdict);
  expect(new Set(verdicts)).toEqual(new Set([true, false, 'raises']));
});
