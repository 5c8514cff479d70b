/**
 * The name of this command line in its messages (`npm run manage` in a checkout, `npx edge-authtoken`
 * in a project with the package), and the project that it runs in.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { CommandError } from './command-error.ts';

/** A checkout runs its TypeScript, the package its build. */
export const isCheckout = import.meta.url.endsWith('.ts');

/** The checkout, or the folder of the installed package. */
export const ROOT = packageFolder(dirname(fileURLToPath(import.meta.url)));

export const MANAGE = isCheckout ? 'npm run manage --' : 'npx edge-authtoken';
export const WRANGLER = isCheckout ? 'npm run wrangler --' : 'npx wrangler';
export const SERVE = isCheckout ? 'npm start' : 'wrangler dev';

/** @param options with a space before them; may be empty */
export const deployCommand = (options: string): string =>
  isCheckout
    ? `npm run deploy${options && ` --${options}`}`
    : `npx edge-authtoken deploy${options}`;

const project = createRequire(join(process.cwd(), 'package.json'));

/** The project's own wrangler. Not before it is needed: it takes a second and 250 MB to load. */
export async function loadWrangler(): Promise<typeof import('wrangler')> {
  return import(pathToFileURL(resolveWrangler('wrangler')).href);
}

/** The file that `npx wrangler` runs. */
export const wranglerCommand = (): string =>
  join(dirname(resolveWrangler('wrangler/package.json')), 'bin/wrangler.js');

function resolveWrangler(name: string): string {
  try {
    return project.resolve(name);
  } catch {
    throw new CommandError('wrangler is not installed here: `npm install --save-dev wrangler`');
  }
}

function packageFolder(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : packageFolder(dirname(folder));
}
