/** `init` in a checkout with a packed package. test/package/starter.test.ts runs it from the package. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const Manifest = v.looseObject({
  name: v.string(),
  version: v.optional(v.string()),
  dependencies: v.record(v.string(), v.string()),
  devDependencies: v.record(v.string(), v.string()),
});

const manifestOf = (file: string) =>
  v.parse(Manifest, JSON.parse(readFileSync(file, 'utf8').toString()));

const CHECKOUT = manifestOf('package.json');
const TEMPLATE = 'src/manage/template';

/** A folder with a checkout, in which `npm pack` has run or not, and an empty folder for projects. */
function checkout({ isPacked = true } = {}) {
  const directory = temporaryDirectory();
  const root = join(directory, 'edge-authtoken');
  mkdirSync(root);
  for (const name of ['src', 'drizzle', 'package.json']) {
    cpSync(name, join(root, name), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
  const tarball = `edge-authtoken-${CHECKOUT.version}.tgz`;
  if (isPacked) writeFileSync(join(root, tarball), '');

  /** @param node what the process says that Node.js is */
  function init(args: string[], node = '24.0.0') {
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${node}' });`;
    const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
    const script = join(root, 'src/manage/manage.ts');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', preload, script, 'init', ...args],
      { cwd: directory, encoding: 'utf8' },
    );
    return { status, stdout, stderr };
  }
  const read = (path: string) => readFileSync(join(directory, path), 'utf8');
  return { directory, tarball, init, read };
}

it.each(['24.0.0', '20.20.2'])('writes a project on Node.js %s', (node) => {
  const { directory, tarball, init, read } = checkout();
  const { status, stdout, stderr } = init(['My API'], node);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('Next:\n\n  cd My API\n  npm install\n  npm start\n');
  const project = join(directory, 'My API');
  expect(readdirSync(join(project, 'migrations')).sort()).toEqual(
    [...readdirSync('drizzle').filter((name) => name.endsWith('.sql')), '1000_rock.sql'].sort(),
  );
  const { name, dependencies } = manifestOf(join(project, 'package.json'));
  expect(name).toBe('my-api');
  expect(dependencies['edge-authtoken']).toBe(`file:../edge-authtoken/${tarball}`);
  expect(read('My API/README.md')).toMatch(/^# my-api\n/);
  expect(read('My API/wrangler.toml')).toMatch(/^name = "my-api"\n/);
  expect(read('My API/wrangler.toml')).toContain('database_name = "my-api"\n');
  expect(read('My API/.gitignore')).toContain('.dev.vars*\n');
  expect(existsSync(join(project, 'gitignore'))).toBe(false);
  expect(read('My API/.dev.vars')).toMatch(/^SECRET_KEY="[a-zA-Z0-9]{50}"\n/);
  expect(statSync(join(project, '.dev.vars')).mode & 0o777).toBe(0o600);
});

it.each(['24.0.0', '20.20.2'])('leaves a folder with files as it is, on Node.js %s', (node) => {
  const { directory, init } = checkout();
  mkdirSync(join(directory, 'full'));
  writeFileSync(join(directory, 'full/mine.txt'), 'mine');
  expect(init(['full'], node)).toEqual({
    status: 1,
    stdout: '',
    stderr: `CommandError: ${join(directory, 'full')} is not empty: it has mine.txt. Name a new folder\n`,
  });
  expect(readdirSync(join(directory, 'full'))).toEqual(['mine.txt']);
  expect(init(['full/mine.txt'], node)).toMatchObject({
    status: 1,
    stderr: `CommandError: ${join(directory, 'full/mine.txt')} is not a folder\n`,
  });
});

it('takes a folder that has only a git repository', () => {
  const { directory, init, read } = checkout();
  mkdirSync(join(directory, 'cloned/.git'), { recursive: true });
  expect(init(['cloned']).status).toBe(0);
  expect(read('cloned/package.json')).toContain('"name": "cloned"');
});

it('gives a project a name that Cloudflare accepts', () => {
  const { init, read } = checkout();
  expect(init(['Ünïcode & Söhne']).status).toBe(0);
  expect(read('Ünïcode & Söhne/wrangler.toml')).toMatch(/^name = "n-code-s-hne"\n/);
  expect(init(['岩']).status).toBe(0);
  expect(read('岩/wrangler.toml')).toMatch(/^name = "rocks"\n/);
});

it('asks for the packed package', () => {
  const { directory, init } = checkout({ isPacked: false });
  expect(init(['api'])).toEqual({
    status: 1,
    stdout: '',
    stderr: 'CommandError: the project needs the package: run `npm pack` first\n',
  });
  expect(existsSync(join(directory, 'api'))).toBe(false);
});

it.each(['24.0.0', '20.20.2'])('takes one folder and no option, on Node.js %s', (node) => {
  const { init } = checkout();
  expect(init(['a', 'b'], node)).toMatchObject({ status: 2, stdout: '' });
  expect(init(['--force'], node)).toMatchObject({ status: 2, stdout: '' });
  expect(init(['--help'], node)).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^Usage: edge-authtoken init \[folder\]\n/),
  });
});

it('the project has the versions of this checkout', () => {
  const { packages } = v.parse(
    v.object({ packages: v.record(v.string(), v.object({ version: v.optional(v.string()) })) }),
    JSON.parse(readFileSync('package-lock.json', 'utf8')),
  );
  const own = { ...CHECKOUT.dependencies, ...CHECKOUT.devDependencies };
  const { dependencies, devDependencies } = manifestOf(join(TEMPLATE, 'package.json'));
  for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies })) {
    const expected =
      name === 'edge-authtoken'
        ? `^${CHECKOUT.version}`
        : (own[name] ?? `^${packages[`node_modules/${name}`]?.version}`);
    expect({ name, range }).toEqual({ name, range: expected });
  }
});

it('git gives migrations and the files of the project the line ending LF', () => {
  const files = ['drizzle/0000_django_tables.sql', `${TEMPLATE}/migrations/1000_rock.sql`];
  const { stdout } = spawnSync('git', ['check-attr', 'eol', '--', ...files], { encoding: 'utf8' });
  expect(stdout.trim().split('\n')).toEqual(files.map((file) => `${file}: eol: lf`));
  expect(readFileSync(join(TEMPLATE, 'gitattributes'), 'utf8')).toContain('* text=auto eol=lf\n');
});
