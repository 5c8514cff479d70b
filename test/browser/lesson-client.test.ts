/** A client written for the lesson, on Vite's port, works unchanged: through CORS, in a real browser. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { CHROMIUM, withPage } from './browser.ts';

/** An origin that CORS_ALLOWED_ORIGINS lists: Vite's. And one that it doesn't. */
const LISTED_PORT = 5173;
const UNLISTED_PORT = 5199;

const api = inject('origin');

async function bundle() {
  const { outputFiles } = await build({
    entryPoints: ['test/browser/lesson-client.tsx'],
    bundle: true,
    write: false,
    tsconfig: 'tsconfig.browser.json',
    banner: { js: `globalThis.API = '${api}';` },
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  return outputFiles.map(({ text }) => text).join('');
}

describe.skipIf(!CHROMIUM)('a React client of the lesson', () => {
  const html = '<!doctype html><title>Lesson</title><link rel="icon" href="data:,"><div id="root">';
  const server = () =>
    createServer((request, response) => {
      const isScript = request.url === '/client.js';
      response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
      response.end(isScript ? script : `${html}</div><script src="/client.js"></script>`);
    });
  const servers = [
    { server: server(), port: LISTED_PORT },
    { server: server(), port: UNLISTED_PORT },
  ];
  let script = '';

  beforeAll(async () => {
    script = await bundle();
    for (const { server, port } of servers)
      await once(server.listen(port, 'localhost'), 'listening');
  });
  afterAll(() => {
    for (const { server } of servers) server.close();
  });

  it('registers, logs in and asks who it is, from http://localhost:5173', async () => {
    const email = `lesson-${Date.now()}@ducharme.com`;
    const hosts = [`localhost:${LISTED_PORT}`, new URL(api).host];
    const complaints = await withPage({}, hosts, async (page) => {
      const said = (message: string) => page.getByRole('status').getByText(message).waitFor();
      const send = async (name: string, fields: Record<string, string>) => {
        const form = page.getByRole('form', { name });
        for (const [label, value] of Object.entries(fields)) {
          await form.getByLabel(label, { exact: true }).fill(value);
        }
        await form.getByRole('button').click();
      };
      const token = () => page.evaluate(() => JSON.parse(localStorage.rock_token).token);
      const press = (name: string) => page.locator('main > button', { hasText: name }).click();

      await page.goto(`http://localhost:${LISTED_PORT}`);
      const credentials = { email, password: 'ducharme' };
      await send('Register', { ...credentials, first_name: 'Meg', last_name: 'Ducharme' });
      await said('registered');
      const registered = await token();
      expect(registered).toMatch(/^[0-9a-f]{40}$/);

      await press('Who am I');
      await said('Meg Ducharme');
      await press('Log out');
      await said('logged out');
      await press('Who am I');
      await said('Invalid token.');

      await send('Log in', { email, password: 'wrong' });
      await said('wrong email or password');
      await send('Log in', credentials);
      await said('logged in');
      expect(await token()).toBe(registered);
      await press('Who am I');
      await said('Meg Ducharme');
    });
    expect(complaints).toEqual([]);
  });

  it('is refused by the browser from an origin that is not listed', async () => {
    const hosts = [`localhost:${UNLISTED_PORT}`, new URL(api).host];
    const complaints = await withPage({}, hosts, async (page) => {
      await page.goto(`http://localhost:${UNLISTED_PORT}`);
      await Promise.all([
        page.waitForEvent('requestfailed'),
        page.locator('main > button', { hasText: 'Who am I' }).click(),
      ]);
    });
    expect(complaints.join()).toContain('blocked by CORS policy');
  });
});
