/**
 * Workers on workerd's own socket: bundled as `wrangler deploy` bundles them, run by Miniflare, and
 * reached without the proxy of `wrangler dev`, which would be what gets measured.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { unstable_getMiniflareWorkerOptions as readWorkerOptions } from 'wrangler';
import { withoutLimits } from '../without-limits.ts';
import { childrenOf } from './processes.ts';

const execFileAsync = promisify(execFile);

/** Bundles (and minifies) a Worker with the settings of wrangler.toml. */
export async function bundle(entry: string, folder: string): Promise<string> {
  const arguments_ = ['run', '--silent', 'wrangler', '--', 'deploy', entry];
  await execFileAsync('npm', [...arguments_, '--dry-run', '--outdir', folder]);
  // Wrangler names its bundle for its entry, and that always ends in .js.
  return readFile(join(folder, entry.replace(/^.*\/|\.ts$/g, '').concat('.js')), 'utf8');
}

export type Server = {
  /** Without a final slash. */
  url: string;
  /** Processes that serve: workerd's, and what it started. Empty where /proc is not to be had. */
  pids: number[];
  /** The Worker's own D1 database, from outside. */
  database: () => ReturnType<Miniflare['getD1Database']>;
  stop: () => Promise<void>;
};

/**
 * Starts a Worker with the bindings of wrangler.toml on a free port of the loopback interface.
 *
 * @param script the bundle's text
 * @param data the folder that holds (or will hold) its D1 database
 */
export async function serve(script: string, data: string): Promise<Server> {
  const before = await childrenOf(process.pid);
  // The rules for modules are the bundler's: the bundle is one module.
  const { modulesRules: _, ...workerOptions } = readWorkerOptions(withoutLimits()).workerOptions;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...workerOptions,
      script,
      modules: true,
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
      resourcePersistencePath: data,
      cf: false,
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
