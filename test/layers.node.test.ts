/** Imports go one way: a file of src/ imports from its own module or from a module below. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

/** Modules from top to bottom: the files and folders of src/. Two in one line know nothing of each other. */
const LAYERS = [
  ['package.ts', 'local'],
  ['index.ts'],
  ['app.ts', 'manage'],
  ['http', 'rpc', 'server'],
  ['services'],
  ['mail'],
  ['auth'],
  ['store'],
  ['settings.ts'],
  ['hashing', 'validation', 'client'],
  ['lib'],
];

/** Modules that are also kept from layers below them. */
const EXCEPTIONS: Record<string, { not: string[]; because: string }> = {
  client: { not: ['lib'], because: 'it is published for browsers' },
  http: { not: ['store', 'mail', 'hashing'], because: 'services give it what it needs' },
  server: { not: ['store', 'mail', 'hashing'], because: 'services give it what it needs' },
  rpc: { not: ['store', 'mail', 'hashing'], because: 'the app gives it what it needs' },
};

/** Passes by the password check, the compare-and-swap and the token cache. */
const OPERATOR = /\/operator\//;

const layerOf = (module: string) => LAYERS.findIndex((layer) => layer.includes(module));
const moduleOf = (path: string) => path.split('/')[0] ?? path;

const imports = globSync('src/**/*.{ts,tsx}')
  .filter((file) => !file.endsWith('.d.ts'))
  .flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)].map(
      ([, specifier = '']) => ({
        file: relative('src', file),
        imported: relative('src', join(dirname(file), specifier)),
      }),
    ),
  );

it('finds the imports of every module', () => {
  const modules = new Set(imports.map(({ file }) => moduleOf(file)));
  expect([...modules, 'lib'].every((module) => layerOf(module) >= 0)).toBe(true);
  expect(imports.length).toBeGreaterThan(300);
});

it.each(LAYERS.flat())('%s imports from layers below it', (module) => {
  const wrong = imports.filter(({ file, imported }) => {
    const [from, to] = [moduleOf(file), moduleOf(imported)];
    const isAllowed = layerOf(to) > layerOf(from) && !EXCEPTIONS[from]?.not.includes(to);
    return from === module && to !== module && !isAllowed;
  });
  expect(wrong).toEqual([]);
});

it('loads WebAssembly when it is needed, and not with the Worker', () => {
  const sources = globSync('src/**/*.ts').map((file) => readFileSync(file, 'utf8'));
  const count = (pattern: RegExp) => sources.flatMap((text) => text.match(pattern) ?? []).length;
  expect(count(/\bfrom '[^']+\.wasm'/g)).toBe(0);
  expect(count(/\bimport\('[^']+\.wasm'\)/g)).toBe(4);
});

it('opens the operator’s queries and rules to the command line only', () => {
  const wrong = imports.filter(
    ({ file, imported }) =>
      OPERATOR.test(imported) && moduleOf(file) !== 'manage' && !OPERATOR.test(file),
  );
  expect(wrong).toEqual([]);
});
