/** The command line's tests: they run in Node, where it does; the Worker's run in workerd. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/manage/**/*.test.ts'],
    // Each command starts a workerd of its own.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
