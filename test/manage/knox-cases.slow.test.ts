/**
 * Replays on a server what a Django with knox answered to the users and tokens of its files, after an
 * import of these files.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { useDatabases } from '../helpers/manage-process.ts';
import { startServer, WRANGLER_DEV } from '../helpers/server.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';
import { withoutLimits } from '../helpers/without-limits.ts';

const freshDatabase = useDatabases();

const CASES = 'test/conformance/knox-import-cases.json';

/** The steps of the file. */
const STEPS = 31;

test.for(['test/conformance/knox-dumpdata.json', 'test/conformance/knox.sqlite3'])(
  'each recorded step passes after an import of %s',
  async (file) => {
    const { manage, persistTo } = freshDatabase();
    expect(await manage(['import', file])).toMatchObject({ code: 0 });

    const server = startServer({ persistTo, config: withoutLimits() }, [
      ...WRANGLER_DEV,
      '--var',
      'TOKEN_MODEL:knox.AuthToken',
    ]);
    onTestFinished(server.stop);
    const replay = ['test/conformance/replay.mjs', await server.url, casesOfOwnRoutes()];
    const { stdout } = await promisify(execFile)(process.execPath, replay);
    expect(stdout).toBe(`${STEPS} passed, 0 failed\n`);
  },
);

/** The cases with the route that responds as `/knox/login/` does, but for `expiry`. */
function casesOfOwnRoutes(): string {
  const path = join(temporaryDirectory(), 'cases.json');
  writeFileSync(
    path,
    readFileSync(CASES, 'utf8')
      .replaceAll('"/knox/login/"', '"/api-token-auth"')
      .replaceAll(/"expiry": "<datetime:\+36000>",/g, ''),
  );
  return path;
}
