/**
 * Replays on a server what a Django with knox answered to the users and tokens of its files, after an
 * import of these files.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { useDatabases } from '../helpers/manage-process.ts';
import { startServer, WRANGLER_DEV } from '../helpers/server.ts';
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
    const replay = ['test/conformance/replay.mjs', await server.url, CASES];
    const { stdout } = await promisify(execFile)(process.execPath, replay);
    expect(stdout).toBe(`${STEPS} passed, 0 failed\n`);
  },
);
