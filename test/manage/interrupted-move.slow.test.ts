/** A move of a custom user model beside users who are here already, ended at several moments. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { type ProcessRun, useDatabases } from '../helpers/manage-process.ts';
import { token, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const freshDatabase = useDatabases();

const USERS = 20_000;
const STRANGERS = 20;
const JOINED = '2024-03-18T02:30:00Z';
const OPTIONS = ['--user-model', 'users.User', '--map', 'date_joined=created_at'];

/** More than the first chunk of users needs in the database, less than all of them need. */
const FULL_DISK_BYTES = 3_000_000;

type Member = { uuid: string; email: string; key: string };

const members = (): Member[] =>
  Array.from({ length: USERS }, (_, i) => ({
    uuid: randomUUID(),
    email: `member${i}@example.com`,
    key: `token of member${i}@example.com`.replaceAll(' ', '-'),
  }));

/** Tokens come first: their users' numbers are open then. */
function writeFixture(path: string): void {
  const all = members();
  const records = [
    ...all.map(({ uuid, key }) => token(key, uuid)),
    ...all.map(({ uuid, email }) => ({
      model: 'users.user',
      pk: uuid,
      fields: { password: '!', last_login: null, email, created_at: JOINED },
    })),
  ];
  writeFileSync(path, JSON.stringify(records));
}

function writeDatabase(path: string): void {
  using db = new DatabaseSync(path);
  db.exec(`
    CREATE TABLE users_user (id char(32) PRIMARY KEY, password text, last_login text, email text,
      created_at text);
    CREATE TABLE authtoken_token (key text PRIMARY KEY, created text,
      user_id char(32) UNIQUE REFERENCES users_user (id));
    BEGIN`);
  const created = JOINED.replace('T', ' ').replace('Z', '');
  const addUser = db.prepare('INSERT INTO users_user VALUES (?, ?, NULL, ?, ?)');
  const addToken = db.prepare('INSERT INTO authtoken_token VALUES (?, ?, ?)');
  for (const { uuid, email, key } of members()) {
    const id = uuid.replaceAll('-', '');
    addUser.run(id, '!', email, created);
    addToken.run(key, created, id);
  }
  db.exec('COMMIT');
}

const MOMENTS: [ProcessRun, boolean][] = [
  [{ interruptAt: 'Reading', signal: 'SIGKILL' }, false],
  [{ maxFileBytes: FULL_DISK_BYTES }, true],
  [{ interruptAt: 'Writing', signal: 'SIGKILL' }, true],
];

test.each([
  ['a fixture', 'django.json', writeFixture],
  ['a database', 'django.sqlite3', writeDatabase],
])('a move of %s is completed, and no token goes to another user', async (_, name, write) => {
  const { manage, query } = freshDatabase();
  const directory = temporaryDirectory();
  const strangers = join(directory, 'strangers.json');
  const ids = Array.from({ length: STRANGERS }, (_, i) => i + 1);
  const records = ids.flatMap((id) => [user(id), token(`token-of-user${id}`, id)]);
  writeFileSync(strangers, JSON.stringify(records));
  expect(await manage(['import', strangers])).toMatchObject({ code: 0 });

  const path = join(directory, name);
  write(path);
  const args = ['import', path, ...OPTIONS, '--on-conflict', 'skip'];
  /** Users, and those of them who have their own token. */
  const counts = () =>
    query(`SELECT count(*) AS users, sum(key = 'token-of-' || username) AS own
      FROM auth_user LEFT JOIN authtoken_token ON user_id = id`)[0];
  const strangersHere = () =>
    query(`SELECT * FROM auth_user JOIN authtoken_token ON user_id = id WHERE id <= ${STRANGERS}`);

  const before = strangersHere();
  let done = STRANGERS;
  for (const [run, isWriting] of MOMENTS) {
    expect(await manage(args, run)).not.toMatchObject({ code: 0 });
    const users = Number(counts()?.users);
    expect(counts()).toEqual({ users, own: users });
    if (!isWriting) expect(users).toBe(done);
    else expect(users).toBeGreaterThan(done);
    expect(users).toBeLessThan(USERS);
    done = users;
  }

  const already = `${(done - STRANGERS).toLocaleString('en-US')} already here, 0 in conflict`;
  expect(await manage(args)).toMatchObject({ code: 0, stdout: expect.stringContaining(already) });
  expect(counts()).toEqual({ users: USERS + STRANGERS, own: USERS + STRANGERS });
  expect(strangersHere()).toEqual(before);
});
