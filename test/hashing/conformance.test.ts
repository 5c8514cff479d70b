/** Compares verification with Django's recorded verdicts, on both paths of PBKDF2. */
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { verifyPassword } from '../../src/hashing/hashers.ts';
import recorded from '../conformance/password-vectors.json?raw';
import { refuseAbove } from '../helpers/refuse-above.ts';

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

/** Vectors without a password (`null`) are left out: validation refuses such requests. */
const vectors = v
  .parse(Vectors, JSON.parse(recorded))
  .vectors.flatMap(({ password, ...vector }) =>
    password === null ? [] : [{ ...vector, password }],
  );

const ITERATIONS = 1000;

/** The limit of WebCrypto in production Workers. */
const MAX_NATIVE_ITERATIONS = 100_000;

const iterationsOf = (encoded: string) => Number(encoded.split('$')[1]);
const refused = vectors.filter(({ encoded }) => iterationsOf(encoded) > MAX_NATIVE_ITERATIONS);

async function expectDjangosVerdict({ password, encoded, verdict }: (typeof vectors)[number]) {
  const { isCorrect } = await verifyPassword(password, encoded, ITERATIONS);
  // If Django raises, its login responds 500. Here the password must be refused.
  expect(isCorrect).toBe(verdict === true);
}

it.each(vectors)('$id is verified as in Django', expectDjangosVerdict);

it.each(refused)(
  '$id is verified as in Django if the runtime refuses its iterations',
  async (vector) => {
    refuseAbove(MAX_NATIVE_ITERATIONS);
    await expectDjangosVerdict(vector);
  },
);

it('has vectors that production refuses', () => {
  expect(refused.map(({ id }) => id)).toEqual(
    expect.arrayContaining(['sha256-260000', 'sha256-wrong-260000']),
  );
});

it('has a verdict of each kind', () => {
  const verdicts = vectors.map(({ verdict }) => verdict);
  expect(new Set(verdicts)).toEqual(new Set([true, false, 'raises']));
});
