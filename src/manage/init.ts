/**
 * `init`: writes a small project, from the folder `template`. This module and what it imports also run
 * on Node.js 20 and without the peer dependencies.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import * as v from 'valibot';
import { isCheckout, ROOT } from './called.ts';
import { CommandError } from './command-error.ts';
import { addLocalVariables } from './local-variables.ts';
import { packageMigrations } from './package-migrations.ts';

const NAME = 'edge-authtoken';

/** npm packs no file of these names, so the template has them without the dot. */
const DOT_FILES = ['gitignore', 'gitattributes'];

/** Names in the template that become those of the project. */
const TEMPLATE_NAME = 'rocks';
const NAMED_FILES = ['package.json', 'wrangler.toml', 'README.md'];

/** A workers.dev name is a DNS label, of 63 characters (RFC 1035 §2.3.4). A preview adds a prefix. */
const MAX_NAME_LENGTH = 54;

const HELP = `Usage: edge-authtoken init [folder]

Writes a new project with logins and one resource. The folder must be empty or new. The default is
this folder.
`;

const DONE = 0;
const FAILED = 1;
const USAGE = 2;

/** @returns the exit code */
export function runInit(args: string[]): number {
  const [folder, ...others] = args;
  if (folder === '--help' || folder === '-h') {
    process.stdout.write(HELP);
    return DONE;
  }
  if (others.length > 0 || folder?.startsWith('-')) {
    process.stderr.write(HELP);
    return USAGE;
  }
  try {
    init(folder);
    return DONE;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`${error.name}: ${error.message}\n`);
    return FAILED;
  }
}

/**
 * Writes the project, its tables' migrations and those of the package, and `.dev.vars`.
 *
 * @param folder a new folder, or one that is empty or has only a git repository
 * @throws CommandError if the folder has files
 */
export function init(folder = '.'): void {
  const target = resolve(folder);
  const dependency = packageSpecifier(target);
  refuseUnlessEmpty(target);

  cpSync(join(ROOT, 'src/manage/template'), target, { recursive: true });
  for (const name of DOT_FILES) renameSync(join(target, name), join(target, `.${name}`));
  for (const { name, path } of packageMigrations()) {
    copyFileSync(path, join(target, 'migrations', name));
  }
  const name = workerName(basename(target));
  for (const file of NAMED_FILES) {
    edit(join(target, file), (text) =>
      text
        .replaceAll(`"${TEMPLATE_NAME}"`, `"${name}"`)
        .replace(`# ${TEMPLATE_NAME}\n`, `# ${name}\n`),
    );
  }
  if (dependency !== undefined) {
    edit(join(target, 'package.json'), (text) =>
      text.replace(/(?<="edge-authtoken": )"[^"]*"/, () => JSON.stringify(dependency)),
    );
  }
  addLocalVariables(join(target, '.dev.vars'));
  process.stdout.write(nextSteps(folder));
}

function refuseUnlessEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) throw new CommandError(`${folder} is not a folder`);
  const [file] = readdirSync(folder).filter((name) => name !== '.git');
  if (file !== undefined) {
    throw new CommandError(`${folder} is not empty: it has ${file}. Name a new folder`);
  }
}

function edit(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

/** `My API` → `my-api`. */
const workerName = (folder: string): string =>
  folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_NAME_LENGTH)
    .replaceAll(/^-|-$/g, '') || TEMPLATE_NAME;

const Version = v.object({ version: v.string() });

/** npm's record of what is in a `node_modules`, with the source of each package. */
const Installed = v.object({
  packages: v.object({ [`node_modules/${NAME}`]: v.object({ resolved: v.string() }) }),
});

/**
 * The file that this package comes from, for package.json of the project.
 *
 * @returns undefined if it comes from a registry, or if npm has not installed it: then the version is
 *   the template's
 */
function packageSpecifier(target: string): string | undefined {
  const file = isCheckout ? packedFile() : installedFile();
  return file === undefined ? undefined : `file:${relative(target, file).replaceAll('\\', '/')}`;
}

function packedFile(): string {
  const { version } = v.parse(
    Version,
    JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')),
  );
  const file = join(ROOT, `${NAME}-${version}.tgz`);
  if (!existsSync(file)) {
    throw new CommandError('the project needs the package: run `npm pack` first');
  }
  return file;
}

function installedFile(): string | undefined {
  const modules = dirname(ROOT);
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record)) return undefined;
  const installed = v.safeParse(Installed, JSON.parse(readFileSync(record, 'utf8')));
  const source = installed.success
    ? installed.output.packages[`node_modules/${NAME}`]?.resolved
    : undefined;
  return source?.startsWith('file:')
    ? resolve(dirname(modules), source.slice('file:'.length))
    : undefined;
}

/** The package manager that runs this process, such as `pnpm/10.0.0 npm/? node/v24.0.0`. */
const packageManager = (): string =>
  /^(?:pnpm|yarn)(?=\/)/.exec(process.env.npm_config_user_agent ?? '')?.[0] ?? 'npm';

function nextSteps(folder: string): string {
  const manager = packageManager();
  const commands = [
    ...(resolve(folder) === process.cwd() ? [] : [`cd ${folder}`]),
    `${manager} install`,
    `${manager} start`,
  ];
  return `The project is written. Next:\n\n${commands.map((line) => `  ${line}\n`).join('')}\nREADME.md has the other commands.\n`;
}
