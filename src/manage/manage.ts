#!/usr/bin/env node
/**
 * `npm run manage -- <command>`, or `npx edge-authtoken <command>` of the package: what Django's
 * `manage.py` does, for the database of the wrangler configuration in this folder.
 *
 * This file has no static imports: they would fail before the checks, with a stack trace.
 */

/** `engines` of package.json: node:sqlite needs no flag since 22.13. */
const MINIMUM_NODE = { major: 22, minor: 13 };

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const { major: needed } = MINIMUM_NODE;
  return major < needed || (major === needed && minor < MINIMUM_NODE.minor);
}

/** The package that an import did not find, such as an optional peer dependency. */
function missingPackage(error: unknown): string | undefined {
  const isNotFound =
    error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  return isNotFound ? /Cannot find package '([^']+)'/.exec(error.message)?.[1] : undefined;
}

async function main(): Promise<number> {
  const { versions, version, argv } = process;
  const [command, ...args] = argv.slice(2);
  // npx runs it without the peer dependencies, and on an older Node.js: the project brings its own.
  if (command === 'init') return (await import('./init.ts')).runInit(args);
  if (isTooOld(versions.node)) {
    const needed = `${MINIMUM_NODE.major}.${MINIMUM_NODE.minor}`;
    process.stderr.write(
      `edge-authtoken needs Node.js ${needed} or newer. This is Node.js ${version}.\n`,
    );
    return 1;
  }
  try {
    const { run } = await import('./run.ts');
    return await run(argv.slice(2));
  } catch (error) {
    const name = missingPackage(error);
    if (name === undefined) throw error;
    process.stderr.write(
      `edge-authtoken needs ${name}, which is not installed here: npm install ${name}\n`,
    );
    return 1;
  }
}

process.exitCode = await main();

export {};
