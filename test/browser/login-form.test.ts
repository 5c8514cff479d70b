/** The React form of docs/clients.md, in a real browser. pages.node.test.ts compares it with the page. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { build } from 'esbuild';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { CHROMIUM, withPage } from './browser.ts';

/** An origin of CORS_ALLOWED_ORIGINS. */
const PORT = 5173;
const DOCUMENTED_API = 'http://localhost:8000';

const api = inject('origin');

/** A script that renders the form, for the API of this test. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { createRoot } from 'react-dom/client';
        import { LoginForm } from './login-form.tsx';
        createRoot(document.getElementById('root')).render(<LoginForm />);
      `,
      loader: 'tsx',
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    write: false,
    tsconfig: 'tsconfig.browser.json',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'api-of-this-test',
        setup: ({ onLoad }) =>
          onLoad({ filter: /login-form\.tsx$/ }, ({ path }) => ({
            contents: readFileSync(path, 'utf8').replace(DOCUMENTED_API, api),
            loader: 'tsx',
          })),
      },
    ],
  });
  return outputFiles.map(({ text }) => text).join('');
}

describe.skipIf(!CHROMIUM)('the React form of the documentation', () => {
  it('shows why a login is refused, and logs in', async () => {
    const script = await bundle();
    const html = '<!doctype html><title>Form</title><link rel="icon" href="data:,"><div id="root">';
    const server = createServer((request, response) => {
      const isScript = request.url === '/form.js';
      response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
      response.end(isScript ? script : `${html}</div><script src="/form.js"></script>`);
    });
    await once(server.listen(PORT, 'localhost'), 'listening');
    onTestFinished(() => {
      server.close();
    });

    const user = { username: `form-${Date.now()}`, password: 'ducharme' };
    await fetch(`${api}/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(user),
    });
    const hosts = [`localhost:${PORT}`, new URL(api).host];
    const complaints = await withPage({}, hosts, async (page) => {
      const logIn = async (password: string, message: string) => {
        await page.getByLabel('Username').fill(user.username);
        await page.getByLabel('Password').fill(password);
        await page.getByRole('button').click();
        await page.getByRole('status').getByText(message).waitFor();
      };
      await page.goto(`http://localhost:${PORT}`);
      await logIn('wrong', 'Unable to log in with provided credentials.');
      await logIn(user.password, `Hello ${user.username}`);
      expect(await page.evaluate(() => localStorage.token)).toMatch(/^[0-9a-f]{40}$/);
    });
    expect(complaints).toEqual([]);
  });
});
