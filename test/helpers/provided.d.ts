import 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** From the environment's FUZZ_SEED, by vitest.config.ts. */
    fuzzSeed: number;
    nodeDerivations: import('./node-derivations.ts').Derivation[];
  }
}
