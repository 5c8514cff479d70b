/** Gives each test file empty tables, and modules and Durable Objects without earlier state. */
import { applyD1Migrations, evictAllDurableObjects } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll, vi } from 'vitest';

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
await env.DB.exec(
  'DELETE FROM knox_authtoken; DELETE FROM authtoken_token; DELETE FROM auth_user; DELETE FROM sqlite_sequence',
);

afterAll(async () => {
  vi.resetModules();
  // A Durable Object keeps the modules of the file that created it.
  await evictAllDurableObjects();
});
