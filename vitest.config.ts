import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';

export default defineConfig(async () => ({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: './wrangler.toml' },
      miniflare: {
        bindings: {
          TEST_MIGRATIONS: await readD1Migrations('./drizzle'),
          // The smallest allowed: what a password costs is not what most tests are about.
          PBKDF2_ITERATIONS: '1000',
        },
      },
    }),
  ],
  test: {
    provide: { fuzzSeed: Number(process.env.FUZZ_SEED ?? 1) },
    include: ['test/**/*.test.ts'],
    exclude: ['test/browser/**'],
    silent: 'passed-only' as const,
    setupFiles: ['./test/apply-migrations.ts'],
  },
}));
