import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';
import { nodeDerivations } from './test/auth/passwords/node-derivations.ts';

/** Tests of what only Node can do: run a validator, start Workers. All others run in workerd. */
const NODE_TESTS = 'test/**/*.node.test.ts';

export default defineConfig(async () => ({
  test: {
    silent: 'passed-only' as const,
    projects: [
      {
        // The package by its name, in examples: tsconfig.json says where it is.
        resolve: { tsconfigPaths: true },
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              d1Databases: { ROCKS_DB: 'rocks' },
              bindings: {
                TEST_MIGRATIONS: await readD1Migrations('./drizzle'),
                TEST_ROCKS_MIGRATIONS: await readD1Migrations('./test/fixtures/rocks/migrations'),
                // The smallest allowed: what a password costs is not what most tests are about.
                PBKDF2_ITERATIONS: '1000',
              },
            },
          }),
        ],
        test: {
          name: 'workerd',
          provide: {
            fuzzSeed: Number(process.env.FUZZ_SEED ?? 1),
            nodeDerivations: nodeDerivations(),
          },
          include: ['test/**/*.test.ts'],
          // The last three have configurations of their own.
          exclude: [NODE_TESTS, 'test/manage/**', 'test/browser/**', 'test/package/**'],
          setupFiles: ['./test/apply-migrations.ts'],
        },
      },
      { test: { name: 'node', include: [NODE_TESTS] } },
    ],
  },
}));
