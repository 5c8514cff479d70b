/**
 * What only a browser can show, run by Node: the real `npm start` server and Debian's Chromium. Skipped
 * where there is no Chromium. `PORT` moves the server away from 8000.
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
