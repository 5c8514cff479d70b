/** PBKDF2 keys of random inputs, derived by Node for tests that run in workerd. */
import { pbkdf2Sync, randomBytes, randomInt } from 'node:crypto';

/** Bytes in hexadecimal. */
export type Derivation = { password: string; salt: string; iterations: number; key: string };

const RANDOM = 1000;
const MAX_PASSWORD_BYTES = 300;
const MAX_SALT_BYTES = 100;
const MAX_ITERATIONS = 500;

/** `SLICE_ITERATIONS` of pbkdf2-webassembly.ts, which Vitest's configuration cannot load. */
const SLICE_ITERATIONS = 22_000;

/** Numbers of slices, and distances of the iteration count from the end of the last slice. */
const SLICES = [1, 2, 3];
const NEAR = [-1, 0, 1, 2];

/** Random passwords and salts: first with random counts, then with counts near the ends of slices. */
export function nodeDerivations(): Derivation[] {
  const counts = Array.from({ length: RANDOM }, () => randomInt(1, MAX_ITERATIONS));
  const atEnds = SLICES.flatMap((slices) => NEAR.map((near) => slices * SLICE_ITERATIONS + near));
  return [...counts, ...atEnds].map((iterations) => {
    const password = randomBytes(randomInt(MAX_PASSWORD_BYTES + 1));
    const salt = randomBytes(randomInt(1, MAX_SALT_BYTES + 1));
    const key = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
    return {
      password: password.toString('hex'),
      salt: salt.toString('hex'),
      iterations,
      key: key.toString('hex'),
    };
  });
}
