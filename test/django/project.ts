/** A copy of this project that has a Django project's manage.py beside it. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** The files that a copy of this project needs. */
const PROJECT = [
  'package.json',
  'tsconfig.json',
  'wrangler.toml',
  '.wrangler.env',
  'drizzle',
  'src',
];
const DJANGO = 'test/django';

export type Project = {
  directory: string;
  /** Its PATH has the `python` that has Django first. */
  env: NodeJS.ProcessEnv;
  /** Runs a command line and gives its output. */
  shell: (line: string) => string;
};

export type ProjectOptions = {
  /** The user model of the Django project. */
  userModel?: string;
  /** The folder of the package `knox`, if the project has it. '' if Python finds it. */
  knox?: string;
};

export function makeProject(
  directory: string,
  python: string,
  { userModel = 'auth.User', knox }: ProjectOptions = {},
): Project {
  mkdirSync(directory);
  for (const file of PROJECT) cpSync(file, join(directory, file), { recursive: true });
  cpSync(DJANGO, directory, { recursive: true, filter: (path) => !path.endsWith('.ts') });
  symlinkSync(resolve('node_modules'), join(directory, 'node_modules'));
  mkdirSync(join(directory, 'bin'));
  writeFileSync(join(directory, 'bin/python'), `#!/bin/sh\nexec ${python} "$@"\n`, { mode: 0o755 });

  const env = {
    ...process.env,
    USER_MODEL: userModel,
    ...(knox !== undefined && { WITH_KNOX: 'true', PYTHONPATH: knox }),
    PATH: `${join(directory, 'bin')}${delimiter}${process.env.PATH}`,
  };
  const shell = (line: string): string =>
    execFileSync('sh', ['-c', line], { cwd: directory, env, encoding: 'utf8' });
  if (userModel !== 'auth.User') {
    shell(`python manage.py makemigrations ${userModel.split('.')[0]}`);
  }
  shell('python manage.py migrate');
  return { directory, env, shell };
}

/** Gives the Worker Django's iterations: then neither side has a reason to make a hash anew. */
export const setIterations = (directory: string, iterations: number): void =>
  setVariable(directory, 'PBKDF2_ITERATIONS', String(iterations));

/** Sets a variable of the Worker, which may be a comment in wrangler.toml. */
export function setVariable(directory: string, name: string, value: string): void {
  const config = join(directory, 'wrangler.toml');
  const text = readFileSync(config, 'utf8');
  writeFileSync(
    config,
    text.replace(new RegExp(`^(# )?${name} = .*$`, 'm'), `${name} = "${value}"`),
  );
}

/**
 * Starts the Django project's server and runs it until stopped.
 *
 * @returns its `url`, without a final slash, once it serves; rejected with its errors if it ends
 */
export function startDjango({ directory, env }: Project): {
  url: Promise<string>;
  stop: () => Promise<void>;
} {
  // It prints the traceback of each 500, and such are asked for.
  const child = spawn('sh', ['-c', 'exec python manage.py shell < serve.py'], {
    cwd: directory,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const url = new Promise<string>((resolve, reject) => {
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.stdout.once('data', (port: Buffer) => resolve(`http://127.0.0.1:${Number(port)}`));
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`Django ended: ${errors}`)));
  });
  async function stop() {
    child.kill();
    await exited;
  }
  return { url, stop };
}
