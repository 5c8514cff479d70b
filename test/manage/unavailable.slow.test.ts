/** A D1 that fails during a command. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useManage } from '../helpers/manage.ts';
import { knoxToken, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const { manage, query } = useManage();

const DUMP = 'test/conformance/dumpdata.json';
const COUNTS =
  'SELECT count(*) AS users, count(key) AS tokens FROM auth_user LEFT JOIN authtoken_token ON user_id = id';

/** A D1 with something around each `batch`. */
const withBatch = (around: (run: () => Promise<unknown>) => Promise<unknown>) => (d1: D1Database) =>
  new Proxy(d1, {
    get: (target, name) =>
      name === 'batch'
        ? (statements: D1PreparedStatement[]) => around(() => target.batch(statements))
        : Reflect.get(target, name).bind(target),
  });

test('an import goes on after a write whose response is lost, and doubles nothing', async () => {
  let batches = 0;
  const intercept = withBatch(async (run) => {
    const results = await run();
    if (batches++ === 0) throw new Error('D1_ERROR: Network connection lost.');
    return results;
  });
  expect(await manage(['import', DUMP], { intercept })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Users imported:  26\nTokens imported: 23\n'),
  });
  // The second looks whether the first one has written.
  expect(batches).toBe(2);
  expect(await query(COUNTS)).toEqual([{ users: 26, tokens: 23 }]);
});

test.each([0, 1])(
  'an import of many tokens of knox doubles nothing if the response to write %i is lost',
  async (lost) => {
    const path = join(temporaryDirectory(), 'many.json');
    const tokens = Array.from({ length: 9000 }, (_, i) => knoxToken(`the token ${i}`, 1));
    writeFileSync(path, JSON.stringify([user(1), ...tokens]));
    let writes = 0;
    const intercept = withBatch(async (run) => {
      const results = await run();
      if (writes++ === lost) throw new Error('D1_ERROR: Network connection lost.');
      return results;
    });
    expect(await manage(['import', path], { intercept })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Knox tokens imported: 9,000\n'),
    });
    // Two writes, and two looks whether the lost one has taken place.
    expect(writes).toBe(4);
    expect(await query('SELECT count(*) AS n FROM knox_authtoken')).toEqual([{ n: 9000 }]);
  },
);

test('an import into a database that stays locked says why it ends, and how to go on', async () => {
  const locked = new Error('D1_ERROR: database is locked: SQLITE_BUSY');
  const intercept = withBatch(() => Promise.reject(locked));
  expect(await manage(['import', DUMP], { intercept })).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /0 users were written.*start again with --on-conflict skip\n.*SQLITE_BUSY\nAnother process is writing to the database.*\n$/s,
    ),
  });
  expect(await query(COUNTS)).toEqual([{ users: 0, tokens: 0 }]);
});
