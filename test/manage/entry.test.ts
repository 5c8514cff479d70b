/** The command checks its surroundings before it loads anything that needs them. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'edge-authtoken-entry-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** @param version what the process says that Node.js is */
function runAs(version: string, script: string, ...args: string[]) {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' });
    Object.defineProperty(process, 'version', { value: 'v${version}' });`;
  const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
  const options = { encoding: 'utf8', cwd: folder } as const;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', preload, script, ...args],
    options,
  );
  return { status, stdout, stderr };
}

const ENTRY = join(import.meta.dirname, '../../src/manage/manage.ts');

it.each(['18.20.4', '20.20.2', '22.12.0'])('says which Node.js it needs to %s', (version) => {
  expect(runAs(version, ENTRY, '--help')).toEqual({
    status: 1,
    stdout: '',
    stderr: `edge-authtoken needs Node.js 22.13 or newer. This is Node.js v${version}.\n`,
  });
});

it.each(['22.13.0', '24.0.0', '100.0.0'])('runs in %s', (version) => {
  expect(runAs(version, ENTRY, '--help')).toMatchObject({ status: 0, stderr: '' });
});

/** The entry in a project without the other package, or with a fault. */
function entryNextTo(code: string): string {
  const directory = mkdtempSync(join(folder, 'project-'));
  mkdirSync(join(directory, 'src'));
  cpSync(ENTRY, join(directory, 'src/manage.ts'));
  const run = join(directory, 'src/run.ts');
  buildSync({
    stdin: { contents: code, loader: 'ts' },
    outfile: run,
    format: 'esm',
    external: ['*'],
    bundle: true,
  });
  return join(directory, 'src/manage.ts');
}

it('names a package that is not installed', () => {
  const entry = entryNextTo("import { sql } from 'drizzle-orm'; export const run = () => sql;");
  expect(runAs('24.0.0', entry, 'users')).toEqual({
    status: 1,
    stdout: '',
    stderr:
      'edge-authtoken needs drizzle-orm, which is not installed here: npm install drizzle-orm\n',
  });
});

it('does not hide another error', () => {
  const entry = entryNextTo("import './no-such-file.js'; export const run = () => 0;");
  const { status, stderr } = runAs('24.0.0', entry, 'users');
  expect(status).toBe(1);
  expect(stderr).toContain('no-such-file.js');
  expect(stderr).not.toContain('not installed here');
});
