/** Compares the verification of every hash that Django has with its recorded verdicts. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { verifyPassword } from '../../src/hashing/hashers.ts';
import {
  identifyPassword,
  isNotSupported,
  PASSWORD_HASHERS,
  type PasswordHasherName,
} from '../../src/hashing/identify.ts';
import { parseSettings } from '../../src/settings.ts';
import recorded from '../conformance/hasher-vectors.json?raw';

const Verdict = v.union([v.boolean(), v.picklist(['raises', 'timeout'])]);
const Vectors = v.object({
  vectors: v.array(
    v.object({
      id: v.string(),
      password: v.string(),
      encoded: v.string(),
      verdict: Verdict,
      default52: Verdict,
    }),
  ),
});

const { vectors } = v.parse(Vectors, JSON.parse(recorded));

const ITERATIONS = 1000;

const isHasher = (name: string): name is PasswordHasherName => name in PASSWORD_HASHERS;
const all = Object.keys(PASSWORD_HASHERS).filter(isHasher);
const { passwordHashers: byDefault } = parseSettings({});

const isCrypt = (encoded: string) => encoded.startsWith('crypt$');

it.each(vectors)('$id is verified as in Django', async (vector) => {
  const { password, encoded, verdict, default52 } = vector;
  const { isCorrect, mustUpdate } = await verifyPassword(password, encoded, ITERATIONS);
  // If Django raises, its login responds 500. Here the password must be refused.
  const isRight = verdict === true && !isCrypt(encoded);
  expect(isCorrect).toBe(isRight);
  // None has the iterations of the tests.
  expect(mustUpdate).toBe(isRight);
  if (!isRight) return;
  expect(identifyPassword(encoded, all).kind).toBe('verifiable');
  const kind = default52 === true ? 'verifiable' : 'not-listed';
  expect(identifyPassword(encoded, byDefault).kind).toBe(kind);
});

describe('hasher-vectors.json', () => {
  it('has all of Django’s hashers and verdicts', () => {
    expect(vectors.length).toBe(275);
    const right = vectors.filter(({ verdict }) => verdict === true);
    const algorithms = right.map(({ encoded }) => identifyPassword(encoded, all).algorithm);
    expect(new Set(algorithms)).toEqual(new Set([...Object.values(PASSWORD_HASHERS), 'crypt']));
    const verdicts = new Set(vectors.map(({ verdict }) => verdict));
    expect(verdicts).toEqual(new Set([true, false, 'raises', 'timeout']));
  });

  it('has hashes that are too dear for Django: they are refused before any work', () => {
    const dear = vectors.filter(({ verdict }) => verdict === 'timeout');
    const kinds = dear.map(({ encoded }) => identifyPassword(encoded, all).kind);
    expect(kinds).toEqual(['too-expensive', 'too-expensive', 'too-expensive']);
  });

  it('has crypt, which is named as not supported and not as a wrong password', () => {
    const kinds = vectors
      .filter(({ encoded }) => isCrypt(encoded))
      .map(({ encoded }) => identifyPassword(encoded, all).kind);
    expect(kinds.every(isNotSupported)).toBe(true);
    expect(kinds.length).toBeGreaterThan(0);
  });
});
