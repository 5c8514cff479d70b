/**
 * `npm run test:slow`: what takes its time and proves little more than `npm test`. Real wranglers
 * that deploy to a stub or serve side by side, and imports that are killed.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    silent: 'passed-only',
    maxWorkers: '100%',
    // Of one file. More would only wait for each other.
    maxConcurrency: 2,
    include: ['test/**/*.slow.test.ts'],
    // Each test starts several wranglers. No time is what is tested.
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});
