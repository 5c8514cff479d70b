/** Gives each test file empty tables, and modules that remember nothing of the file before. */
import { applyD1Migrations } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll, vi } from 'vitest';

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
await env.DB.exec(
  'DELETE FROM authtoken_token; DELETE FROM auth_user; DELETE FROM sqlite_sequence',
);

afterAll(() => {
  vi.resetModules();
});
