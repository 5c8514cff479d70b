import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useDatabases } from '../helpers/manage-process.ts';
import { token, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const freshDatabase = useDatabases();

function dump(...records: unknown[]): string {
  const path = join(temporaryDirectory(), 'dump.json');
  writeFileSync(path, JSON.stringify(records));
  return path;
}

test('an import interrupted at several moments is completed by another, with nothing doubled', async () => {
  const total = 25_000;
  const ids = Array.from({ length: total }, (_, i) => i + 1);
  // Natural keys throughout: ids are given anew by each run.
  const users = dump(...ids.map((id) => ({ ...user(id), pk: undefined })));
  const tokens = dump(...ids.map((id) => token(`token${id}`, [`user${id}`])));
  const { manage, query } = freshDatabase();
  const args = ['import', users, tokens, '--on-conflict', 'skip'];
  const counts = () => {
    const [row] = query(`SELECT count(*) AS users, count(key) AS tokens,
      sum(key = 'token' || substr(username, 5)) AS own
      FROM auth_user LEFT JOIN authtoken_token ON user_id = id`);
    return row;
  };

  let before = 0;
  for (const [signal, interruptAt, isWriting] of [
    ['SIGINT', `Reading ${tokens}`, false],
    ['SIGKILL', 'Writing', true],
    ['SIGINT', 'Writing', true],
  ] as const) {
    expect(await manage(args, { interruptAt, signal })).not.toMatchObject({ code: 0 });
    const done = Number(counts()?.users);
    expect(counts()).toEqual({ users: done, tokens: done, own: done || null });
    if (isWriting) expect(done).toBeGreaterThan(before);
    else expect(done).toBe(0);
    expect(done).toBeLessThan(total);
    before = done;
  }

  expect(await manage(args)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(
      `${before.toLocaleString('en-US')} already here, 0 in conflict`,
    ),
  });
  expect(counts()).toEqual({ users: total, tokens: total, own: total });
});
