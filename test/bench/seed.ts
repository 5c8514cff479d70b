/** Creates a database of N users with tokens. Their names and keys follow from their numbers. */
import { createHash } from 'node:crypto';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { makePassword } from '../../src/hashing/hashers.ts';
import { djangoDatetime } from '../../src/lib/django-datetime.ts';
import type { Server } from './serve.ts';

/** The password of every seeded user. */
export const PASSWORD = 'correct horse battery staple';

/** Django's own default is higher, this project's is this: what a login costs is measured with it. */
const ITERATIONS = 600_000;

/** Rows in one statement: their keys make a parameter of 0.2 MB. D1 allows 2 MB. */
const CHUNK = 5000;

export const usernameOf = (user: number): string => `user-${user}`;

/** As random as real ones to an index, and known without being kept. */
export const tokenOf = (user: number): string =>
  createHash('sha1').update(String(user)).digest('hex');

/** A user's number, each as likely, from 1 to `users`. */
export const randomUser = (users: number): number => 1 + Math.floor(Math.random() * users);

/**
 * Creates the tables and users number 1 to `users`. One password hash serves them all: making a
 * million would take a day.
 *
 * @param progress told the number of users so far
 */
export async function seed(
  server: Server,
  users: number,
  progress: (done: number) => void,
): Promise<void> {
  const database = await server.database();
  const migrations = readMigrationFiles({ migrationsFolder: 'drizzle' });
  await database.batch(migrations.flatMap(({ sql }) => sql).map((sql) => database.prepare(sql)));

  // D1 binds every number as a float, which `||` would print as 1.0.
  const insertUsers = database.prepare(
    `with numbered as (select cast(?2 + key as integer) as id from json_each(?1))
     insert into auth_user (id, password, is_superuser, username, last_name, email, is_staff,
       is_active, date_joined, first_name)
     select id, ?3, 0, 'user-' || id, 'Lovelace', 'user-' || id || '@example.com', 0, 1, ?4, 'Ada'
     from numbered`,
  );
  const insertTokens = database.prepare(
    `insert into authtoken_token (key, created, user_id) select value, ?3, ?2 + key
     from json_each(?1)`,
  );
  const password = await makePassword(PASSWORD, ITERATIONS);
  const now = djangoDatetime(new Date());

  for (let first = 1; first <= users; first += CHUNK) {
    const length = Math.min(CHUNK, users - first + 1);
    const keys = JSON.stringify(Array.from({ length }, (_, i) => tokenOf(first + i)));
    await database.batch([
      insertUsers.bind(keys, first, password, now),
      insertTokens.bind(keys, first, now),
    ]);
    progress(first + length - 1);
  }
}
