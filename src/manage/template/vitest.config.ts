import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';

export default defineConfig(async () => ({
  test: {
    // The log of a test that fails.
    silent: 'passed-only' as const,
  },
  plugins: [
    cloudflareTest({
      wrangler: { configPath: './wrangler.toml' },
      miniflare: {
        bindings: {
          TEST_MIGRATIONS: await readD1Migrations('./migrations'),
          // The smallest allowed, so that the tests are fast.
          PBKDF2_ITERATIONS: '1000',
        },
      },
    }),
  ],
}));
