/**
 * Workers on workerd's own socket: bundled as `wrangler deploy` bundles them, run by Miniflare, and
 * reached without the proxy of `wrangler dev`, which would be what gets measured.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { unstable_getMiniflareWorkerOptions as readWorkerOptions } from 'wrangler';
import { withoutLimits } from '../helpers/without-limits.ts';
import { childrenOf } from './processes.ts';

const execFileAsync = promisify(execFile);

/** A bundle's modules: its code first, then what the code imports. */
export type Bundle = ReturnType<typeof readModule>[];

/** Bundles (and minifies) a Worker with the settings of wrangler.toml. */
export async function bundle(entry: string, folder: string): Promise<Bundle> {
  // Not every entry exports the class of the objects.
  const config = withoutLimits(false);
  const arguments_ = ['run', '--silent', 'wrangler', '--', 'deploy', entry, '--config', config];
  await execFileAsync('npm', [...arguments_, '--dry-run', '--outdir', folder]);
  // Wrangler names its bundle for its entry, and that always ends in .js.
  const code = basename(entry).replace(/\.ts$/, '.js');
  const isImported = (name: string) => name !== code && !/^README\.md$|\.map$/.test(name);
  const imported = (await readdir(folder)).filter(isImported);
  return [code, ...imported].map((name) => readModule(join(folder, name), name === code));
}

function readModule(path: string, isCode: boolean) {
  if (isCode) {
    return { type: 'ESModule' as const, path, contents: readFileSync(path, 'utf8') };
  }
  return path.endsWith('.wasm')
    ? { type: 'CompiledWasm' as const, path, contents: readFileSync(path) }
    : { type: 'Text' as const, path, contents: readFileSync(path, 'utf8') };
}

export type Server = {
  /** Without a final slash. */
  url: string;
  /** The processes that serve: workerd and its children. Empty without /proc. */
  pids: number[];
  /** The Worker's own D1 database, from outside. */
  database: () => ReturnType<Miniflare['getD1Database']>;
  stop: () => Promise<void>;
};

export type ServeOptions = {
  /** In place of those of wrangler.toml, or beside them. */
  vars?: Record<string, string>;
  /** Whether the Worker has the Durable Objects of wrangler.toml. */
  hasObjects?: boolean;
};

/**
 * Starts a Worker with the bindings of wrangler.toml on a free port of the loopback interface.
 *
 * @param data the folder that holds (or will hold) its D1 database
 */
export async function serve(
  modules: Bundle,
  data: string,
  { vars = {}, hasObjects = false }: ServeOptions = {},
): Promise<Server> {
  const before = await childrenOf(process.pid);
  // The rules for modules are the bundler's: they have been carried out.
  const {
    modulesRules: _,
    bindings,
    ...workerOptions
  } = readWorkerOptions(withoutLimits(hasObjects)).workerOptions;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...workerOptions,
      bindings: Object.assign({}, bindings, vars),
      modules,
      modulesRoot: dirname(modules[0]?.path ?? ''),
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
      resourcePersistencePath: data,
      cf: false,
      // The bench shows errors only.
      handleStructuredLogs: ({ level, message }) => {
        if (level === 'error') console.error(message);
      },
    }),
  );
  const url = (await miniflare.unsafeGetDirectURL()).origin;
  const started = (await childrenOf(process.pid)).filter((pid) => !before.includes(pid));
  return {
    url,
    pids: started,
    database: () => miniflare.getD1Database('DB'),
    stop: () => miniflare.dispose(),
  };
}
