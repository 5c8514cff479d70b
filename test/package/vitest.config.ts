/** The package as its users have it: packed, installed in empty folders, run. It needs the registry. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    globalSetup: './pack.ts',
    // An installation takes seconds, or on a slow network minutes.
    testTimeout: 300_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});
