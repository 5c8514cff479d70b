import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, test } from 'vitest';
import { hasSmallDisk, useDatabases } from '../helpers/manage-process.ts';
import { token, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const freshDatabase = useDatabases();

const USERS = 20_000;

/** Less than each export needs, and more than the command needs to start. */
const MAX_FILE_BYTES = 1_000_000;

let database: ReturnType<typeof freshDatabase>;
let django: string;

beforeEach(async () => {
  database = freshDatabase();
  const dump = join(temporaryDirectory(), 'dump.json');
  const ids = Array.from({ length: USERS }, (_, i) => i + 1);
  writeFileSync(dump, JSON.stringify(ids.flatMap((id) => [user(id), token(`token${id}`, id)])));
  expect(await database.manage(['import', dump])).toMatchObject({ code: 0 });
  // Otherwise workerd has a longer file to write than the export.
  database.query('PRAGMA wal_checkpoint(TRUNCATE)');
  django = join(temporaryDirectory(), 'django.json');
  writeFileSync(django, '[]');
});

const counts = () =>
  database.query(`SELECT (SELECT count(*) FROM auth_user) AS users,
    (SELECT count(*) FROM authtoken_token) AS tokens`)[0];

/** How many users a file of a complete export has. It is read to its end. */
function usersIn(path: string): number {
  if (path.endsWith('.json')) {
    const records: { model: string }[] = JSON.parse(readFileSync(path, 'utf8'));
    return records.filter(({ model }) => model === 'auth.user').length;
  }
  if (path.endsWith('.py')) {
    const text = readFileSync(path, 'utf8');
    expect(text).toMatch(/\napply_changes\(.*\)\n$/);
    return text.match(/^\{"pk":/gm)?.length ?? 0;
  }
  const exported = new DatabaseSync(path);
  expect(exported.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  return Number(exported.prepare('SELECT count(*) AS n FROM auth_user').get()?.n);
}

const argsOf = (path: string) => [
  'export',
  path,
  ...(path.endsWith('.py') ? ['--against', django] : []),
];

test.each(['edge.json', 'edge.sqlite3', 'changes.py'])(
  'an interrupted export of %s leaves no file of that name, and the next one is whole',
  async (name) => {
    const path = join(temporaryDirectory(), name);
    for (const interruptAt of ['Reading 10%', 'Reading 90%', 'Reading 100%']) {
      const run = { interruptAt, signal: 'SIGKILL' } as const;
      const { code } = await database.manage(argsOf(path), run);
      if (code !== 0) expect(existsSync(path)).toBe(false);
    }
    if (!existsSync(path)) expect(await database.manage(argsOf(path))).toMatchObject({ code: 0 });
    expect(usersIn(path)).toBe(USERS);
    expect(counts()).toEqual({ users: USERS, tokens: USERS });
  },
);

test.each(['edge.json', 'edge.sqlite3', 'changes.py'])(
  'an export of %s that ends in the middle of writing leaves no file of that name either',
  async (name) => {
    const path = join(temporaryDirectory(), name);
    const { code } = await database.manage(argsOf(path), { maxFileBytes: MAX_FILE_BYTES });
    expect(code).not.toBe(0);
    expect(existsSync(path)).toBe(false);
    expect(await database.manage(argsOf(path))).toMatchObject({ code: 0 });
    expect(readdirSync(dirname(path))).toEqual([name]);
    expect(usersIn(path)).toBe(USERS);
  },
);

test.skipIf(!hasSmallDisk()).each(['edge.json', 'edge.sqlite3', 'changes.py'])(
  'on a full disk, an export of %s fails with a message and leaves no file',
  async (name) => {
    const smallDisk = temporaryDirectory();
    expect(await database.manage(argsOf(join(smallDisk, name)), { smallDisk })).toMatchObject({
      code: 1,
      // No report of the export, and no file in the list.
      stdout: '',
      stderr: expect.stringMatching(/ENOSPC: no space left|database or disk is full/),
    });
    expect(counts()).toEqual({ users: USERS, tokens: USERS });
  },
);
