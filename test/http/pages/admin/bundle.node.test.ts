/** Asserts the size of the staff page in a bundle, and that an app without it has none of its code. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const BYTES_PER_KIB = 1024;
const MAX_KIB = 12;

/** Bundles an app as wrangler does, without the texts and WebAssembly, which are modules of their own. */
async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: '.', loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    mainFields: ['module', 'main'],
    conditions: ['workerd'],
    external: ['cloudflare:*', 'node:*'],
    loader: { '.css': 'empty', '.txt': 'empty', '.wasm': 'empty' },
    plugins: [
      {
        name: 'browser-clients-apart',
        setup: ({ onLoad }) =>
          onLoad({ filter: /browser-client\.js$/ }, () => ({ contents: '', loader: 'text' })),
      },
    ],
  });
  return outputFiles[0]?.text ?? '';
}

const kibOf = (text: string) => gzipSync(text).byteLength / BYTES_PER_KIB;

const APP = `import { createApp } from './src/app.ts'; export default createApp(`;
const ADMIN = `import { admin } from './src/http/routes/admin/routes.ts';`;

it('is in no bundle of an app without the option', async () => {
  const [without, withPage] = await Promise.all([
    bundle(`${APP})`),
    bundle(`${ADMIN}${APP}{ admin })`),
  ]);
  // A route, its description, a query of the lists, a rule of the checks, and the page.
  const marks = ['/admin/api', 'adminChecks', 'INDEXED BY', 'TOKEN_MAX_AGE_DAYS is', 'findings'];
  for (const mark of marks) {
    const found = { mark, without: without.includes(mark), with: withPage.includes(mark) };
    expect(found).toEqual({ mark, without: false, with: true });
  }
});

it('adds at most 12 KiB to a bundle, gzipped', async () => {
  const [without, withPage] = await Promise.all([
    bundle(`${APP})`),
    bundle(`${ADMIN}${APP}{ admin })`),
  ]);
  expect(kibOf(withPage) - kibOf(without)).toBeLessThanOrEqual(MAX_KIB);
  console.log(`${kibOf(without)} KiB without, ${kibOf(withPage)} KiB with the staff page`);
});

it('has a script and a style that stay small', () => {
  const files = ['browser-client.js', 'style.css'];
  const sizes = files.map((file) => kibOf(readFileSync(`src/http/pages/admin/${file}`, 'utf8')));
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(6);
});
