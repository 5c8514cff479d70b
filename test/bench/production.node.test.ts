import { build } from 'esbuild';
import { expect, it } from 'vitest';

it.each(['product', 'reference'])('bundles %s.ts with the refusal of production', async (name) => {
  const { outputFiles } = await build({
    entryPoints: [`test/bench/production/${name}.ts`],
    bundle: true,
    format: 'esm',
    external: ['*/src/index.ts', '*/reference.ts'],
    write: false,
  });
  expect(outputFiles[0]?.text).toContain('iteration counts above');
});
