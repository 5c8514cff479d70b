/**
 * The project that `init` writes, as a newcomer uses it: on Node.js 20, from an empty folder, by the
 * commands that the documentation has, and from a page at another origin.
 */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { CHROMIUM, withPage } from '../browser/browser.ts';
import { startCloudflare } from '../helpers/cloudflare-stub.ts';
import type {} from './pack.ts';
import { ENVIRONMENT, startServer } from './project.ts';

/** Vite's. */
const PAGE_PORT = 5173;

/** An empty folder to a deployed Worker. */
const LIMIT_MS = 10 * 60_000;

const MAX_COMMANDS = 4;

const WORKERS_DEV = resolve(import.meta.dirname, '../helpers/workers-dev.ts');

const directory = mkdtempSync(join(tmpdir(), 'edge-authtoken-starter-'));
const project = join(directory, 'my-rocks');
const tools = join(directory, 'tools');
mkdirSync(project);

/** The PATH of this process without the programs of the checkout, such as its Node.js. */
const machinePath = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'));

const env: NodeJS.ProcessEnv = {
  ...ENVIRONMENT,
  PATH: [join(tools, 'node_modules/node/bin'), ...machinePath].join(delimiter),
  // No package that npx has installed before.
  npm_config_cache: join(directory, 'cache'),
  // npm sets it for this process, and npx would take it from there.
  npm_config_user_agent: undefined,
};

/** The commands that a user types, and how long they took. */
const typed: { command: string; ms: number }[] = [];

function run(cwd: string, command: string, args: string[]) {
  const options = { cwd, env, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(command, args, options);
  return { status, stdout, stderr, output: stdout + stderr };
}

function enter(command: string, ...args: string[]) {
  const start = performance.now();
  const result = run(project, command, args);
  typed.push({ command: [command, ...args].join(' '), ms: performance.now() - start });
  return result;
}

/** Runs a program of the project with the project's Node.js. */
const npx = (...args: string[]) => run(project, 'npx', ['--no-install', ...args]);

const servers: ReturnType<typeof startServer>[] = [];

beforeAll(() => {
  mkdirSync(tools);
  const allowed = { private: true, allowScripts: { node: true } };
  writeFileSync(join(tools, 'package.json'), JSON.stringify(allowed));
  const packages = ['node@20', 'pnpm@12', 'yarn@1', 'yarn4@npm:@yarnpkg/cli-dist@4'];
  const installed = spawnSync('npm', ['install', ...packages], { cwd: tools, encoding: 'utf8' });
  if (installed.status !== 0) throw new Error(installed.stderr);
});

afterAll(async () => {
  for (const server of servers) await server.stop();
  rmSync(directory, { recursive: true });
});

it('runs on Node.js 20', () => {
  expect(run(project, 'node', ['--version']).stdout).toMatch(/^v20\./);
});

it('is written into an empty folder', () => {
  const args = ['--yes', `--package=${inject('tarball')}`, 'edge-authtoken', 'init'];
  const { status, stdout } = enter('npx', ...args);
  expect(stdout).toContain('Next:\n\n  npm install\n  npm start\n');
  expect(status).toBe(0);
  expect(readdirSync(project).sort()).toEqual([
    '.dev.vars',
    '.gitattributes',
    '.gitignore',
    'README.md',
    'migrations',
    'package.json',
    'pnpm-workspace.yaml',
    'src',
    'test',
    'tsconfig.json',
    'vitest.config.ts',
    'wrangler.toml',
  ]);
  const again = run(project, 'npx', args);
  expect(again.status).toBe(1);
  expect(again.stderr).toContain(`CommandError: ${project} is not empty: it has .dev.vars.`);
});

it('is written by a newer Node.js, too, without any other package', () => {
  const folder = join(directory, 'newer');
  const args = ['--yes', `--package=${inject('tarball')}`, 'edge-authtoken', 'init', folder];
  const PATH = [dirname(process.execPath), ...machinePath].join(delimiter);
  const options = { cwd: directory, env: { ...env, PATH }, encoding: 'utf8' } as const;
  const { status, stderr } = spawnSync('npx', args, options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(readdirSync(folder).sort()).toEqual(readdirSync(project).sort());
});

it('installs, with its own Node.js', () => {
  const { status, output } = enter('npm', 'install');
  expect({ status, output: status === 0 ? '' : output }).toEqual({ status: 0, output: '' });
  const own = join(project, 'node_modules/node/bin/node');
  expect(run(project, own, ['--version']).stdout).toMatch(/^v24\./);
});

it('compiles', () => {
  expect(run(project, 'npm', ['run', '--silent', 'check'])).toEqual({
    status: 0,
    stdout: '',
    stderr: '',
    output: '',
  });
});

it('serves a page at another origin, which registers, logs in, creates and edits a rock', async () => {
  const start = performance.now();
  const server = startServer(project, 'npm', ['start', '--'], env);
  servers.push(server);
  const api = await server.url;
  typed.push({ command: 'npm start', ms: performance.now() - start });
  expect((await fetch(`${api}/health`)).status).toBe(200);
  if (!CHROMIUM) return console.log('skipped: there is no Chromium; CHROMIUM may name one');

  const html = '<!doctype html><title>Rocks</title><link rel="icon" href="data:,">';
  const page = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html').end(html);
  });
  await once(page.listen(PAGE_PORT, 'localhost'), 'listening');
  try {
    const hosts = [`localhost:${PAGE_PORT}`, new URL(api).host];
    const complaints = await withPage({}, hosts, async (page) => {
      await page.goto(`http://localhost:${PAGE_PORT}`);
      expect(await page.evaluate(useRocks, api)).toEqual({
        without: [401, { detail: 'Authentication credentials were not provided.' }],
        registered: 201,
        loggedIn: { valid: true, isSameToken: true },
        created: [201, { id: 1, name: 'Granite', weight: 2.5 }],
        edited: [200, { id: 1, name: 'Marble', weight: 3 }],
        listed: [200, [{ id: 1, name: 'Marble', weight: 3 }]],
      });
    });
    expect(complaints).toEqual([]);
  } finally {
    page.close();
  }
});

/** In the page. */
async function useRocks(api: string) {
  async function send(method: string, path: string, token?: string, body?: object) {
    const response = await fetch(`${api}${path}`, {
      method,
      headers: {
        'Content-Type': 'application/json',
        ...(token !== undefined && { Authorization: `Token ${token}` }),
      },
      body: body ? JSON.stringify(body) : null,
    });
    return [response.status, await response.json()] as const;
  }
  const meg = { username: 'meg@ducharme.com', password: 'ducharme' };
  const without = await send('GET', '/rocks');
  const [registered, { token }] = await send('POST', '/register', undefined, meg);
  const [, login] = await send('POST', '/login', undefined, meg);
  const created = await send('POST', '/rocks', token, { name: 'Granite', weight: 2.5 });
  const edited = await send('PUT', `/rocks/${created[1].id}`, token, { name: 'Marble', weight: 3 });
  return {
    without,
    registered,
    loggedIn: { valid: login.valid, isSameToken: login.token === token },
    created,
    edited,
    listed: await send('GET', '/rocks', token),
  };
}

it('has its users on the command line', () => {
  expect(npx('edge-authtoken', 'users').stdout).toContain('1\tmeg@ducharme.com');
});

it('passes its own tests', () => {
  const { status, output } = enter('npm', 'test');
  expect(output).toMatch(/Tests .*8 passed/);
  expect(status).toBe(0);
});

/** Does not block this process, which has the stub. */
const deploy = (args: string[], url: string) =>
  new Promise<{ code: unknown; stdout: string; stderr: string }>((finished) => {
    const account = {
      CLOUDFLARE_API_BASE_URL: url,
      CLOUDFLARE_API_TOKEN: 'token',
      STUB_URL: url,
      // The login of this machine is not there.
      HOME: directory,
      XDG_CONFIG_HOME: join(directory, 'config'),
    };
    const node = join(project, 'node_modules/node/bin/node');
    const child = execFile(
      node,
      args,
      { cwd: project, env: { ...env, ...account } },
      (error, stdout, stderr) => finished({ code: error ? error.code : 0, stdout, stderr }),
    );
    child.stdin?.end();
  });

describe('its deployment', () => {
  const script: unknown = 'edge-authtoken deploy';

  it('is the command of the package', () => {
    expect(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')).scripts.deploy).toBe(
      script,
    );
  });

  it('creates the database, uploads, migrates and asks whether it is healthy', async () => {
    const cloudflare = await startCloudflare();
    try {
      const args = ['--import', WORKERS_DEV, 'node_modules/edge-authtoken/dist/manage/manage.js'];
      const { code, stdout, stderr } = await deploy([...args, 'deploy'], cloudflare.url);
      expect(stderr).not.toContain('CommandError');
      expect(stdout).toContain('Deployed and healthy: https://my-rocks.stub.workers.dev/');
      expect(code).toBe(0);
      expect(cloudflare.databases()).toEqual(['my-rocks']);
      expect(cloudflare.tables('my-rocks')).toEqual(['auth_user', 'authtoken_token', 'rock']);
    } finally {
      await cloudflare.stop();
    }
  });
});

it('takes at most four commands and ten minutes until then', () => {
  console.log(typed.map(({ command, ms }) => `${(ms / 1000).toFixed(1)} s  ${command}`).join('\n'));
  expect(typed.map(({ command }) => command.split(' ').slice(0, 2).join(' '))).toEqual([
    'npx --yes',
    'npm install',
    'npm start',
    'npm test',
  ]);
  expect(typed.length).toBeLessThanOrEqual(MAX_COMMANDS);
  expect(typed.reduce((sum, { ms }) => sum + ms, 0)).toBeLessThan(LIMIT_MS);
});

/** The output of npm and wrangler. */
const WRITTEN = /node_modules|\.wrangler|package-lock/;

describe.each([
  { name: 'pnpm', file: 'pnpm/bin/pnpm.mjs', node: 20 },
  // Yarn links no Node.js that a script of a package installs.
  { name: 'Yarn 1', file: 'yarn/bin/yarn.js', node: 24 },
  { name: 'Yarn 4', file: 'yarn4/bin/yarn.js', node: 24 },
])('with $name on Node.js $node', ({ name, file, node }) => {
  const folder = join(directory, name.replace(' ', '-').toLowerCase());
  const program = join(tools, 'node_modules', file);
  const ownEnv = {
    ...env,
    ...(node === 24 && { PATH: [dirname(process.execPath), ...machinePath].join(delimiter) }),
    // In CI it would refuse to write a lockfile.
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    YARN_GLOBAL_FOLDER: join(directory, 'yarn'),
  };
  const runs = (...args: string[]) => {
    const options = { cwd: folder, env: ownEnv, encoding: 'utf8' } as const;
    const { status, stdout, stderr } = spawnSync('node', [program, ...args], options);
    return { status, output: stdout + stderr };
  };

  it('installs, passes its tests and serves', async () => {
    cpSync(project, folder, { recursive: true, filter: (path) => !WRITTEN.test(path) });
    const { status, output } = runs('install');
    expect({ status, output: status === 0 ? '' : output }).toEqual({ status: 0, output: '' });
    expect(runs('test').output).toMatch(/Tests .*8 passed/);
    const server = startServer(folder, 'node', [program, 'start'], ownEnv);
    servers.push(server);
    expect((await fetch(`${await server.url}/health`)).status).toBe(200);
  });
});

describe('with the line endings of Windows', () => {
  const files = () =>
    readdirSync(project, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name))
      .filter((path) => !WRITTEN.test(path));

  it('compiles, passes its tests and creates its tables', () => {
    for (const path of files()) {
      writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/\r?\n/g, '\r\n'));
    }
    expect(run(project, 'npm', ['run', '--silent', 'check'])).toMatchObject({ status: 0 });
    const tested = run(project, 'npm', ['test']);
    expect(tested.output).toMatch(/Tests .*8 passed/);
    const state = ['--persist-to', join(directory, 'windows')];
    const migrate = ['wrangler', 'd1', 'migrations', 'apply', 'DB', '--local', ...state];
    expect(npx(...migrate).status).toBe(0);
    expect(npx('edge-authtoken', 'doctor', ...state).stdout).toContain('Migrations: all applied');
  });
});
