/** Messages of the Worker are also read in projects that have no scripts of this repository. */
import { globSync, readFileSync } from 'node:fs';
import { transformSync } from 'esbuild';
import { expect, it } from 'vitest';

const WORKER = globSync('src/**/*.{ts,tsx}').filter(
  (file) => !/^src\/(manage|hashing\/wasm)\/|\.d\.ts$/.test(file),
);

/**
 * Files of the command in the package. The others are scripts of a checkout, or choose between the
 * two (called.ts). before-production.ts has the words of SECURITY.md, and init.ts writes wrangler.toml.
 */
const COMMANDS = globSync('src/manage/*.ts').filter(
  (file) => !/(called|dev-vars|before-production|init)\.ts$/.test(file),
);

/** Without its comments. */
const codeOf = (file: string) =>
  transformSync(readFileSync(file, 'utf8'), {
    loader: file.endsWith('x') ? 'tsx' : 'ts',
    legalComments: 'none',
  }).code;

it.each([...WORKER, ...COMMANDS])('%s names no script and no configuration file', (file) => {
  expect(codeOf(file)).not.toMatch(/npm (run|start)|wrangler\.toml|`manage /);
});

it('there are messages to look at', () => {
  expect(WORKER).toContain('src/http/errors.ts');
  expect(COMMANDS).toContain('src/manage/program.ts');
});
