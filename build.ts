/**
 * Makes dist/, the package as it is published: JavaScript by esbuild and types by tsc. `npm pack`
 * runs it.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { type BuildOptions, build, type Metafile } from 'esbuild';

const OUT = 'dist';
const TYPES = '.wrangler/types';

/** Of src/, what package.json has under `exports`. */
const ENTRIES = [
  'package',
  'index',
  'http/middleware/token-authentication',
  'client/create-client',
  'http/routes/admin/routes',
  'store/schema',
];
const COMMAND = 'manage/manage';
/** An entry too, so that it stays in the folder of the files that it reads. */
const COMMAND_RUN = 'manage/run';

/** The licences of the packages whose WebAssembly is copied (src/hashing/wasm/copy.ts). */
const COPIED_NOTICES = 'src/hashing/wasm/LICENSES.txt';

const source = (name: string) => `src/${name}.ts`;

const SHARED = {
  outdir: OUT,
  outbase: 'src',
  bundle: true,
  format: 'esm',
  target: 'es2024',
  // Dynamic imports become separate modules, which a Worker loads on demand.
  splitting: true,
  metafile: true,
  // The scripts and styles of the pages and the list of passwords are text. A Worker may compile no
  // bytes, so the WebAssembly stays a file that is imported: wrangler takes *.wasm without being told.
  loader: { '.txt': 'text', '.wasm': 'copy' },
  assetNames: '[name]',
  chunkNames: 'chunks/[name]-[hash]',
  // Dependencies and peer dependencies: npm installs them in the project that uses the package.
  external: ['@noble/hashes', 'hono', 'drizzle-orm', 'wrangler', 'cloudflare:*', 'node:*'],
} as const satisfies BuildOptions;

rmSync(OUT, { recursive: true, force: true });
const library = await build({
  ...SHARED,
  entryPoints: ENTRIES.map(source),
  sourcemap: true,
  platform: 'neutral',
  plugins: [
    {
      // A separate module. The bundler of a project leaves it out, and the staff page with it, if the
      // project imports `createApp` only.
      name: 'worker-stays-apart',
      setup: ({ onResolve }) =>
        onResolve({ filter: /^\.\/index\.ts$/ }, () => ({ path: './index.js', external: true })),
    },
    {
      name: 'browser-client-as-text',
      setup: ({ onLoad }) =>
        onLoad({ filter: /browser-client\.js$/ }, ({ path }) => ({
          contents: readFileSync(path, 'utf8'),
          loader: 'text',
        })),
    },
  ],
});
const command = await build({
  ...SHARED,
  entryPoints: [COMMAND, COMMAND_RUN].map(source),
  platform: 'node',
  // yauzl is CommonJS, and an ES module has no `require`.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
});
copyTexts();
writeTypes();
writeNotices([library.metafile, command.metafile]);

/** The files that a command reads from its own folder. */
function copyTexts(): void {
  for (const file of globSync('src/manage/*.{py,sql}')) {
    copyFileSync(file, join(OUT, dirname(COMMAND), basename(file)));
  }
}

/** Of the declarations that tsc makes, those that the entries lead to. */
function writeTypes(): void {
  rmSync(TYPES, { recursive: true, force: true });
  execFileSync('npx', ['tsc', '--project', 'tsconfig.build.json', '--outDir', TYPES], {
    stdio: 'inherit',
  });
  const pending = ENTRIES.map((name) => `${name}.d.ts`);
  const seen = new Set(pending);
  for (const file of pending) {
    const text = readFileSync(join(TYPES, file), 'utf8');
    const target = join(OUT, file);
    mkdirSync(dirname(target), { recursive: true });
    // tsc leaves the extensions of declarations as they are in the source.
    writeFileSync(target, text.replaceAll(/(['"]\.[^'"]*)\.tsx?(['"])/g, '$1.js$2'));
    for (const [, imported = ''] of text.matchAll(/['"](\.[^'"]*)\.tsx?['"]/g)) {
      const next = relative('.', resolve('/', dirname(file), `${imported}.d.ts`).slice(1));
      if (!seen.has(next)) pending.push(next);
      seen.add(next);
    }
  }
}

/** The licences of the packages whose code is in ours. */
function writeNotices(metafiles: Metafile[]): void {
  const inputs = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  const folders = new Set(
    inputs.flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []),
  );
  const notices = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
    const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'license.md']
      .map((candidate) => join(folder, candidate))
      .find(existsSync);
    if (!file) throw new Error(`${name} has no licence to be found.`);
    return `${name} ${version} (${license})\n\n${readFileSync(file, 'utf8').trim()}\n`;
  });
  notices.push(readFileSync(COPIED_NOTICES, 'utf8'));
  const line = `\n${'-'.repeat(80)}\n\n`;
  writeFileSync(join(OUT, 'THIRD-PARTY-NOTICES.txt'), notices.join(line));
}
