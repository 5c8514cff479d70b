/** Gives each test file empty tables, and modules and objects that hold nothing of the file before. */
import { applyD1Migrations, evictAllDurableObjects } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll, vi } from 'vitest';

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
await env.DB.exec(
  'DELETE FROM authtoken_token; DELETE FROM auth_user; DELETE FROM sqlite_sequence',
);

afterAll(async () => {
  vi.resetModules();
  // An object is made by the modules of its file.
  await evictAllDurableObjects();
});
