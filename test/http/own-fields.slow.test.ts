/** A user and the rows of the host are stored together or not at all, also if the server is killed. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { migrate, startServer } from '../helpers/server.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const REGISTRATIONS = 1000;
const RETRY_MS = 500;

/** The server is killed after this many responses; undefined: after all. */
const ROUNDS = [50, 300, undefined];

/** One of ten fails before its row is inserted, one after it, and one has the nickname of all others. */
const KINDS: Record<number, object> = {
  1: { fault: 'before' },
  2: { fault: 'after' },
  3: { nickname: 'taken' },
};

/** No reference to auth_user, so that a profile without a user could be seen. */
const PROFILE =
  "CREATE TABLE profile (user_id integer PRIMARY KEY, nickname text NOT NULL UNIQUE CHECK (nickname <> ''))";

it('1,000 concurrent registrations leave no user without a profile, and no profile without a user', async () => {
  const directory = temporaryDirectory();
  const place = {
    config: 'test/fixtures/profile/wrangler.toml',
    persistTo: directory,
    registry: join(directory, 'registry'),
  };
  migrate(place);
  withDatabase(directory, (db) => db.exec(PROFILE));
  const registered = new Set<string>();

  for (const [round, killAfter = Number.POSITIVE_INFINITY] of ROUNDS.entries()) {
    const server = startServer(place);
    onTestFinished(() => server.stop());
    const url = await server.url;
    let responses = 0;
    const statuses = await Promise.all(
      Array.from({ length: REGISTRATIONS }, async (_, n) => {
        const username = `user-${round}-${n}`;
        const body = { username, password: 'ducharme', nickname: username, ...KINDS[n % 10] };
        const status = await register(url, body);
        if (status === 201) registered.add(username);
        if (++responses === killAfter) await server.kill();
        return status;
      }),
    );
    await server.stop();
    const isKilled = killAfter < REGISTRATIONS;
    expect(statuses.includes('no response')).toBe(isKilled);
    expect(statuses).toEqual(expect.arrayContaining([500, 201]));
    if (!isKilled) expect([...new Set(statuses)].sort()).toEqual([201, 400, 500]);

    withDatabase(directory, (db) => {
      const names = db.prepare('SELECT username FROM auth_user').all();
      const users = new Set(names.map(({ username }) => username));
      // A user may be stored whose response was lost, but each 201 is stored.
      expect(users.isSupersetOf(registered)).toBe(true);
      expect(db.prepare(STRAYS).get()).toEqual({ users: 0, profiles: 0, tokens: 0 });
    });
  }
});

const STRAYS = `SELECT
  (SELECT count(*) FROM auth_user WHERE id NOT IN (SELECT user_id FROM profile)) AS users,
  (SELECT count(*) FROM profile WHERE user_id NOT IN (SELECT id FROM auth_user)) AS profiles,
  (SELECT count(*) FROM auth_user WHERE id NOT IN (SELECT user_id FROM authtoken_token)) AS tokens`;

/** Tries again while too many passwords wait to be hashed, which is before anything is stored. */
async function register(url: string, body: object): Promise<number | 'no response'> {
  const init = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  };
  try {
    for (;;) {
      const { status } = await fetch(`${url}/register`, init);
      if (status !== 503) return status;
      await setTimeout(RETRY_MS);
    }
  } catch {
    return 'no response';
  }
}

/** Opens the database of the server, which must not run. */
function withDatabase<T>(directory: string, use: (db: DatabaseSync) => T): T {
  const files = globSync(join(directory, 'v3/d1/miniflare-D1DatabaseObject/*.sqlite'));
  const path = files.find((file) => !file.endsWith('metadata.sqlite'));
  const db = new DatabaseSync(String(path));
  try {
    return use(db);
  } finally {
    db.close();
  }
}
