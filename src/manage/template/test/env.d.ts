declare namespace Cloudflare {
  interface Env {
    DB: D1Database;
    /** The files of migrations/, from vitest.config.ts. */
    TEST_MIGRATIONS: import('cloudflare:test').D1Migration[];
  }
}
