/** Runs the curl examples of the pages in order and compares the responses. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate, startServer, WRANGLER_DEV } from '../helpers/server.ts';
import { blocksOf, pageAt } from './markdown.ts';

const DOCUMENTED_URL = 'http://localhost:8000';

/** The Worker as `npm start` serves it, without the values of `.dev.vars`. */
const SERVE = [
  ...WRANGLER_DEV,
  ...['--var', 'SECRET_KEY:a secret key of the tests', 'DEFAULT_FROM_EMAIL:us@example.com'],
  ...['--var', 'AUTH_PASSWORD_VALIDATORS:'],
];

const TOKEN = /\b[0-9a-f]{40}\b/g;

describe.each(['README.md', 'docs/api.md'])('the curl examples of %s', (path) => {
  const examples = blocksOf(pageAt(path)).filter(({ code }) => code.startsWith('curl '));
  let directory: string;
  let server: ReturnType<typeof startServer>;
  let url: string;
  /** The real token for each token on the page. */
  const tokens = new Map<string, string>();

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'edge-authtoken-docs-'));
    migrate({ persistTo: directory });
    server = startServer({ persistTo: directory }, SERVE);
    url = await server.url;
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  it('are not empty', () => {
    expect(examples.length).toBeGreaterThanOrEqual(3);
  });

  it.each(examples)('$code', ({ code }) => {
    const [command = '', expected = ''] = code.trim().split('\n# ');
    const real = command
      .replace(DOCUMENTED_URL, url)
      .replaceAll(TOKEN, (token) => tokens.get(token) ?? token)
      .replace(/^curl /, `curl --silent --write-out '\\n%{http_code}' `);
    const output = execFileSync('sh', ['-c', real], { encoding: 'utf8' });
    const [, body = '', status = ''] = /^(.*)\n(\d+)$/s.exec(output) ?? [];

    // A new token on the page corresponds to the token in the response.
    const [documented] = expected.match(TOKEN) ?? [];
    const [received] = body.match(TOKEN) ?? [];
    if (documented && received && !tokens.has(documented)) {
      expect([...tokens.values()]).not.toContain(received);
      tokens.set(documented, received);
    }
    const shown = expected.replaceAll(TOKEN, (token) => tokens.get(token) ?? token);
    expect(`${status} ${body}`.trim()).toBe(shown);
  });
});
