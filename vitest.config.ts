import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { Response } from 'miniflare';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { nodeDerivations } from './test/helpers/node-derivations.ts';
import { pwnedPasswords } from './test/helpers/pwned-passwords.ts';

/**
 * Tests that start servers, or send thousands of requests to all routes. They, and those of browsers and
 * installations, are not part of `npm test`.
 */
const SLOW_TESTS = ['test/**/*.slow.test.ts'];
const SLOW_WORKERD_TESTS = ['test/**/*.workerd.slow.test.ts'];
const BROWSER_TESTS = ['test/browser/*.test.ts'];
const PACKAGE_TESTS = ['test/package/*.test.ts'];
const OPENAPI_TESTS = ['test/openapi/*.test.ts'];

/** Tests of what runs in Node. All others run in workerd. */
const NODE_TESTS = ['test/**/*.node.test.ts', 'test/manage/**/*.test.ts'];

/** No time is what is tested, and a machine may be busy. */
const PATIENT = { poll: { timeout: 20_000 } };

/**
 * Runs the packages of node_modules as they are. The pool would have Vite rewrite each of their
 * imports, which makes hashing in JavaScript six times slower.
 */
const packagesAsTheyAre: Plugin = {
  name: 'packages-as-they-are',
  config({ test }) {
    if (test?.server?.deps) test.server.deps.inline = [];
  },
};

const DERIVATIONS = nodeDerivations();

/** Tests in workerd, with the bindings of wrangler.toml. */
const workerd = async (name: string, include: string[], exclude: string[]) => ({
  // Examples import the package by its name. tsconfig.json maps it to src/.
  resolve: { tsconfigPaths: true },
  plugins: [
    cloudflareTest({
      wrangler: { configPath: './wrangler.toml' },
      miniflare: {
        d1Databases: { ROCKS_DB: 'rocks', EMPTY_DB: 'empty' },
        outboundService(request) {
          const { status, body } = pwnedPasswords(request);
          return new Response(body, { status });
        },
        bindings: {
          TEST_MIGRATIONS: await readD1Migrations('./drizzle'),
          TEST_ROCKS_MIGRATIONS: await readD1Migrations('./test/fixtures/rocks/migrations'),
          // The smallest allowed: what a password costs is not what most tests are about.
          PBKDF2_ITERATIONS: '1000',
          // Short passwords are accepted, as under `npm start`.
          AUTH_PASSWORD_VALIDATORS: '',
          // These replace the values of `.dev.vars`.
          SECRET_KEY: 'a secret key of the tests',
          DEFAULT_FROM_EMAIL: 'us@example.com',
          OLD_PASSWORD_FIELD_ENABLED: 'true',
          EMAIL_CHANGE_REQUIRES_PASSWORD: 'true',
        },
      },
    }),
    packagesAsTheyAre,
  ],
  test: {
    name,
    // A workerd for each file would take a second to start.
    isolate: false,
    restoreMocks: true,
    expect: PATIENT,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    provide: {
      fuzzSeed: Number(process.env.FUZZ_SEED ?? 1),
      nodeDerivations: DERIVATIONS,
    },
    include,
    exclude,
    setupFiles: ['./test/helpers/fresh-storage.ts'],
  },
});

export default defineConfig(async () => ({
  test: {
    silent: 'passed-only' as const,
    // All cores, where Vitest would leave one idle.
    maxWorkers: '100%',
    projects: [
      workerd(
        'workerd',
        ['test/**/*.test.ts'],
        [...NODE_TESTS, ...SLOW_TESTS, ...BROWSER_TESTS, ...PACKAGE_TESTS, ...OPENAPI_TESTS],
      ),
      workerd('workerd-slow', SLOW_WORKERD_TESTS, []),
      {
        test: {
          name: 'node',
          expect: PATIENT,
          // wrangler takes a second to load, too.
          isolate: false,
          restoreMocks: true,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          include: NODE_TESTS,
          exclude: SLOW_TESTS,
        },
      },
      {
        test: {
          name: 'slow',
          expect: PATIENT,
          include: SLOW_TESTS,
          exclude: SLOW_WORKERD_TESTS,
          // Each test starts several wranglers. More at once would only wait for each other.
          maxConcurrency: 2,
          testTimeout: 600_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'browser',
          expect: PATIENT,
          include: BROWSER_TESTS,
          globalSetup: ['test/browser/server.ts'],
          // All tests share one server.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'package',
          expect: PATIENT,
          include: PACKAGE_TESTS,
          globalSetup: ['test/package/pack.ts'],
          fileParallelism: false,
          // A package installation can take minutes.
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'openapi',
          expect: PATIENT,
          include: OPENAPI_TESTS,
          testTimeout: 120_000,
          // A package installation can take minutes.
          hookTimeout: 600_000,
        },
      },
    ],
  },
}));
