/**
 * Tests in a browser: the real `npm start` server and Debian's Chromium. They are skipped without
 * Chromium. `PORT` replaces port 8000.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/browser/*.test.ts'],
    globalSetup: ['test/browser/server.ts'],
    // One server, one Chromium at a time, and a person's pace on a busy machine.
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});
