import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { PAGES } from '../../../src/http/pages/minify.ts';

it('the minified scripts and styles are those of `npm run pages`', async () => {
  const { outputFiles } = await build({ ...PAGES, write: false });
  expect(outputFiles.length).toBeGreaterThan(0);
  for (const { path, text } of outputFiles) expect(readFileSync(path, 'utf8')).toBe(text);
});
