/** The example `inside`, from the package: one Worker with authentication below /auth. */
import { spawnSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { ask, createProject, type Project } from './project.ts';

const CONFORMANCE = resolve(import.meta.dirname, '../conformance');
const MEG = { username: 'meg@ducharme.com', password: 'ducharme' };

let project: Project;
let url: string;

beforeAll(() => {
  project = createProject('inside', inject('tarball'), ['hono', 'drizzle-orm']);
});
afterAll(() => project.remove());

it('installs the package, hono, drizzle-orm and @noble/hashes only', () => {
  const installed = project.run('npm', 'ls', '--omit=dev', '--parseable', '--depth=1');
  for (const name of ['valibot', 'commander', 'quick-lru', '@clack']) {
    expect(installed.stdout).not.toContain(`node_modules/${name}`);
  }
  expect(installed.stdout).toContain('node_modules/@noble/hashes');
});

it('compiles with the strictest options', () => {
  // Drizzle's declarations have errors of their own without skipLibCheck. Nothing else may have.
  const errors = project
    .npx('tsc')
    .stdout.split('\n')
    .filter((line) => / error TS/.test(line));
  expect(errors.filter((error) => !error.startsWith('node_modules/drizzle-orm/'))).toEqual([]);
});

it('compiles without an error where declarations are not checked', () => {
  project.compile('--skipLibCheck');
});

it('names its own commands while there are no tables', () => {
  const { status, stderr } = project.npx('edge-authtoken', 'users');
  expect(status).toBe(1);
  expect(stderr).toContain(
    'run `npx wrangler d1 migrations apply AUTH_DB --local --persist-to .wrangler/state`',
  );
  expect(project.npx('edge-authtoken', 'import', '--help').stdout).toContain(
    '$ npx edge-authtoken import users.json tokens.json --dry-run',
  );
});

it('gets its tables from the package’s migrations beside its own', () => {
  cpSync(
    join(project.directory, 'node_modules/edge-authtoken/drizzle'),
    join(project.directory, 'migrations'),
    { recursive: true },
  );
  const { status } = project.npx('wrangler', 'd1', 'migrations', 'apply', 'AUTH_DB', '--local');
  expect(status).toBe(0);
});

it('exports an SQLite file and a script, which need files of the package', () => {
  writeFileSync(join(project.directory, 'django.json'), '[]');
  for (const args of [['edge.sqlite3'], ['changes.py', '--against', 'django.json']]) {
    expect(project.npx('edge-authtoken', 'export', ...args)).toMatchObject({ status: 0 });
  }
});

it('serves the API below /auth, beside a route that it protects', async () => {
  url = await project.serve();
  expect(await ask(`${url}/rocks`, 'GET')).toEqual({
    status: 401,
    body: { detail: 'Authentication credentials were not provided.' },
  });
  const registered = await ask(`${url}/auth/register`, 'POST', undefined, MEG);
  expect(registered.status).toBe(201);
  const { token } = registered.body;
  expect(await ask(`${url}/auth/login/`, 'POST', undefined, MEG)).toEqual({
    status: 200,
    body: { valid: true, token },
  });
  const wrong = { ...MEG, username: 'jo', password: 'wrong' };
  for (let i = 0; i < 10; i++) {
    expect((await ask(`${url}/auth/login`, 'POST', undefined, wrong)).status).toBe(401);
  }
  expect((await ask(`${url}/auth/login`, 'POST', undefined, wrong)).status).toBe(429);
  expect((await ask(`${url}/rocks`, 'POST', token, 'Granite')).status).toBe(201);
  expect(await ask(`${url}/rocks`, 'GET', token)).toEqual({
    status: 200,
    body: [{ id: 1, name: 'Granite', owner: MEG.username }],
  });
  expect(await ask(`${url}/auth/nothing`, 'GET')).toEqual({
    status: 404,
    body: { detail: 'Not found.' },
  });
  expect(await ask(`${url}/nothing`, 'GET')).toEqual({
    status: 404,
    body: 'Not found by the host.',
  });
  expect((await ask(`${url}/auth`, 'GET')).body).toContain('<form action="/auth/register"');
  expect((await ask(`${url}/auth/openapi.json`, 'GET')).body.servers).toEqual([
    { url: `${new URL(url).origin}/auth` },
  ]);
});

it('does not delete a user if a row of the host refers to it', async () => {
  const { token } = (await ask(`${url}/auth/login`, 'POST', undefined, MEG)).body;
  const confirmation = { current_password: MEG.password };
  expect(await ask(`${url}/auth/me`, 'DELETE', token, confirmation)).toEqual({
    status: 409,
    body: { detail: 'This user cannot be deleted: other records refer to it.' },
  });
  expect((await ask(`${url}/auth/me`, 'GET', token)).status).toBe(200);
});

it('has its users on the command line', async () => {
  expect(project.npx('edge-authtoken', 'users').stdout).toContain('1\tmeg@ducharme.com');
  expect(project.npx('edge-authtoken', 'deactivate', MEG.username).status).toBe(0);
  expect((await ask(`${url}/auth/login`, 'POST', undefined, MEG)).status).toBe(401);
  expect(project.npx('edge-authtoken', 'doctor').stdout).toContain('Migrations: all applied');
  const zip = join(CONFORMANCE, 'formats/users.json.zip');
  const { stdout } = project.npx(
    'edge-authtoken',
    'import',
    zip,
    '--on-conflict=skip',
    '--dry-run',
  );
  expect(stdout).toContain('Users would be imported:  2');
});

it('answers all that was recorded of a real Django, below /auth', () => {
  const sql = 'npx --no-install wrangler d1 execute AUTH_DB --local --command "$REPLAY_SQL"';
  const { stdout } = spawnSync(
    process.execPath,
    [
      join(CONFORMANCE, 'replay.mjs'),
      `${url}/auth`,
      join(CONFORMANCE, 'http-cases.json'),
      '--sql-cmd',
      sql,
    ],
    { cwd: project.directory, encoding: 'utf8' },
  );
  expect(stdout).toMatch(/^\d{3} passed, 0 failed$/m);
});
