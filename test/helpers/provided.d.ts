import 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The environment variable FUZZ_SEED, read by vitest.config.ts. */
    fuzzSeed: number;
    nodeDerivations: import('./node-derivations.ts').Derivation[];
  }
}
