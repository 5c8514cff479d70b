/**
 * Minifies the scripts and styles of the pages, each into a text next to it, which the Worker imports.
 * Users read the script of the lesson, so the browser gets it as it is written. `npm run pages` runs
 * this.
 */
import { globSync } from 'node:fs';
import { type BuildOptions, build } from 'esbuild';

const FOLDER = 'src/http/pages';

export const PAGES = {
  entryPoints: globSync(`${FOLDER}/*/{browser-client.js,style.css}`, {
    exclude: [`${FOLDER}/try-it/browser-client.js`],
  }),
  outdir: FOLDER,
  outbase: FOLDER,
  outExtension: { '.js': '.min.txt', '.css': '.min.txt' },
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2024',
  charset: 'utf8',
} as const satisfies BuildOptions;

if (import.meta.main) await build(PAGES);
