/** A project of a user of the package: a copy of an example, with the package installed. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as v from 'valibot';

const CHECKOUT = resolve(import.meta.dirname, '../..');

const { packages } = v.parse(
  v.object({ packages: v.record(v.string(), v.object({ version: v.optional(v.string()) })) }),
  JSON.parse(readFileSync(join(CHECKOUT, 'package-lock.json'), 'utf8')),
);

/** A package as this checkout has it, so that a new release of it breaks nothing here. */
export const pinned = (name: string) => `${name}@${packages[`node_modules/${name}`]?.version}`;

/** Tools that every project with Workers has. */
const TOOLS = ['wrangler', 'typescript', '@cloudflare/workers-types'].map(pinned);

export const ENVIRONMENT = {
  ...process.env,
  CI: 'true',
  WRANGLER_SEND_METRICS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
};

/** The strictest that TypeScript has. */
const TSCONFIG = {
  compilerOptions: {
    target: 'es2024',
    lib: ['esnext'],
    module: 'esnext',
    moduleResolution: 'bundler',
    types: ['@cloudflare/workers-types'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    noImplicitOverride: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    skipLibCheck: false,
    noEmit: true,
  },
  include: ['src'],
};

export type Project = ReturnType<typeof createProject>;

/**
 * @param example a folder of test/fixtures/
 * @param tarball the package
 * @param dependencies what the example needs besides
 */
export function createProject(example: string, tarball: string, dependencies: string[]) {
  const directory = mkdtempSync(join(tmpdir(), `edge-authtoken-${example}-`));
  cpSync(join(CHECKOUT, 'test/fixtures', example), directory, { recursive: true });
  const write = (name: string, value: object) =>
    writeFileSync(join(directory, name), JSON.stringify(value, null, 2));
  write('package.json', { name: example, private: true, type: 'module' });
  write('tsconfig.json', TSCONFIG);
  const running: { stop: () => Promise<void> }[] = [];

  const run = (command: string, ...args: string[]) => {
    const options = { cwd: directory, env: ENVIRONMENT, encoding: 'utf8' } as const;
    const { status, stdout, stderr } = spawnSync(command, args, options);
    return { status, stdout, stderr, output: stdout + stderr };
  };
  const npx = (...args: string[]) => run('npx', '--no-install', ...args);

  execFileSync('npm', ['install', tarball, ...dependencies.map(pinned), ...TOOLS], {
    cwd: directory,
    stdio: 'pipe',
  });

  return {
    directory,
    run,
    npx,

    /** @throws Error with the output of the compiler if it finds an error */
    compile(...args: string[]): void {
      const { status, output } = npx('tsc', ...args);
      if (status !== 0) throw new Error(output);
    },

    /** Runs `wrangler dev` on a free port. @returns its address, once it serves */
    async serve(...args: string[]): Promise<string> {
      const dev = startServer(directory, process.execPath, [
        join(directory, 'node_modules/wrangler/bin/wrangler.js'),
        'dev',
        ...args,
      ]);
      running.push(dev);
      return dev.url;
    },

    async remove(): Promise<void> {
      await Promise.all(running.map((dev) => dev.stop()));
      rmSync(directory, { recursive: true });
    },
  };
}

/**
 * Starts `wrangler dev` on a free port.
 *
 * @param command what starts it, with its arguments; the ports follow
 */
export function startServer(
  directory: string,
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv = ENVIRONMENT,
) {
  const ports = ['--port', '0', '--inspector-port', '0'];
  // A separate process group, so that wrangler and its workerd end together.
  const child = spawn(command, [...args, ...ports], {
    cwd: directory,
    env: { ...env, WRANGLER_REGISTRY_PATH: join(directory, '.wrangler/registry') },
    detached: true,
    stdio: 'pipe',
  });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  const url = new Promise<string>((done, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const ready = /Ready on (http:\/\/\S+)/.exec(output)?.[1];
      if (ready) done(ready);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', () => reject(new Error(`wrangler dev ended: ${output}`)));
  });

  async function stop() {
    const isRunning = child.exitCode === null && child.signalCode === null;
    if (isRunning && child.pid !== undefined) process.kill(-child.pid);
    await exited;
  }
  return { url, stop };
}

/** Sends JSON, or text, as the owner of a token. */
export async function ask(url: string, method: string, token?: string, body?: object | string) {
  const response = await fetch(url, {
    method,
    headers: {
      ...(typeof body === 'object' && { 'Content-Type': 'application/json' }),
      ...(token !== undefined && { Authorization: `Token ${token}` }),
    },
    body: typeof body === 'object' ? JSON.stringify(body) : (body ?? null),
  });
  const text = await response.text();
  const isJson = response.headers.get('Content-Type')?.startsWith('application/json');
  return { status: response.status, body: isJson ? JSON.parse(text) : text };
}
