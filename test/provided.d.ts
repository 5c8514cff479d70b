import 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** From the environment's FUZZ_SEED, by vitest.config.ts. */
    fuzzSeed: number;
    nodeDerivations: import('./auth/passwords/node-derivations.ts').Derivation[];
  }
}
