declare namespace Cloudflare {
  interface Env {
    /** The migrations of drizzle/, from vitest.config.ts. */
    TEST_MIGRATIONS: import('cloudflare:test').D1Migration[];
    /** The database of test/fixtures/rocks/, and its migrations. */
    ROCKS_DB: D1Database;
    /** Without tables. */
    EMPTY_DB: D1Database;
    TEST_ROCKS_MIGRATIONS: import('cloudflare:test').D1Migration[];
  }
}

declare module '*?raw' {
  const text: string;
  export default text;
}
