/** Asserts the size of the staff page in a bundle, and that an app without it has none of its code. */
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const BYTES_PER_KIB = 1024;
const MAX_KIB = 12;

/** Bundles an app as wrangler does, with the scripts and styles of the pages, and without WebAssembly. */
async function bundle(contents: string) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: '.', loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2024',
    mainFields: ['module', 'main'],
    conditions: ['workerd'],
    external: ['cloudflare:*', 'node:*'],
    loader: { '.txt': 'text', '.wasm': 'empty' },
    plugins: [
      {
        name: 'lesson-apart',
        setup: ({ onLoad }) =>
          onLoad({ filter: /browser-client\.js$/ }, () => ({ contents: '', loader: 'text' })),
      },
    ],
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  return {
    kib: gzipSync(outputFiles[0]?.contents ?? '').byteLength / BYTES_PER_KIB,
    modules: inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path),
  };
}

const APP = `import { createApp } from './src/app.ts'; export default createApp(`;
const ADMIN = `import { admin } from './src/http/routes/admin/routes.ts';`;

const [without, withPage] = await Promise.all([
  bundle(`${APP})`),
  bundle(`${ADMIN}${APP}{ admin })`),
]);

/** Modules that only the staff page needs: its routes, texts, bodies, queries and checks. */
const OF_STAFF_PAGE =
  /\/admin\/|^src\/(validation\/staff|store\/(staff|staff-list|inspection|password-groups)|services\/production|hashing\/(cost|not-checked)|lib\/format-number)\.ts$/;

it('is in no bundle of an app without the option', () => {
  expect(without.modules.filter((path) => OF_STAFF_PAGE.test(path))).toEqual([]);
  const added = withPage.modules.filter((path) => !without.modules.includes(path));
  expect(added.length).toBeGreaterThan(0);
  expect(added.filter((path) => !OF_STAFF_PAGE.test(path))).toEqual([]);
});

it('adds at most 12 KiB to a bundle, gzipped, with its script and its style', () => {
  expect(withPage.kib - without.kib).toBeLessThanOrEqual(MAX_KIB);
});
