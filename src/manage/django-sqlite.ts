/** Django's SQLite files: read, and written so that a real Django runs on one. */
import { readFileSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { TOKEN_COLUMNS, USER_COLUMNS } from '../store/operator/bulk.ts';
import { CommandError } from './command-error.ts';
import { type Parsed, parseTokenRow, parseUserRow } from './records.ts';
import type { Staging } from './staging.ts';
import { startProgress } from './terminal.ts';

/** How every SQLite 3 file starts (sqlite.org/fileformat.html §1.3.1). */
const MAGIC = 'SQLite format 3\0';

/** Of a row of `auth_user`: 1 with a group or a permission of its own, otherwise 0. */
const HAS_GROUPS = `id IN (SELECT user_id FROM auth_user_groups
  UNION SELECT user_id FROM auth_user_user_permissions) AS has_groups`;

/**
 * Whether a file is an SQLite database. From a pipe nothing is read: nobody could read it again.
 */
export async function isSqlite(path: string): Promise<boolean> {
  if (!(await stat(path)).isFile()) return false;
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
    return bytesRead === MAGIC.length && buffer.toString('latin1') === MAGIC;
  } finally {
    await file.close();
  }
}

/**
 * Reads a Django project's database into the staging, row by row.
 *
 * @param ignored counts the rows of other tables
 * @throws CommandError with the table, the row and the reason
 */
export function stageSqlite(path: string, staging: Staging, ignored: Map<string, number>): void {
  const django = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = django
      .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
      .all()
      .map((row) => String(row.name));
    for (const table of ['auth_user', 'authtoken_token']) {
      if (!tables.includes(table)) throw new CommandError(`the file has no table ${table}`);
    }
    const rowsOf = (table: string) => countRows(django, table);
    using progress = startProgress(
      `Reading ${path}`,
      rowsOf('auth_user') + rowsOf('authtoken_token'),
    );
    let done = 0;

    const stage = <T>(
      table: string,
      columns: string[],
      parse: (row: unknown) => Parsed<T>,
      add: (row: T, record: number, columns: Record<string, unknown>) => void,
    ) => {
      const [key] = columns;
      const query = django.prepare(`SELECT ${columns.join(', ')} FROM ${table} ORDER BY ${key}`);
      let record = 0;
      for (const row of query.iterate()) {
        record += 1;
        const where = `${table} row ${record}${key === 'id' ? ` (id ${row.id})` : ''}`;
        const parsed = parse(row);
        if ('reason' in parsed) throw new CommandError(`${where}: ${parsed.reason}`);
        add(parsed.row, record, row);
        done += 1;
        progress.reach(done);
      }
    };
    const hasGroups = tables.includes('auth_user_groups') ? HAS_GROUPS : '0 AS has_groups';
    stage('auth_user', [...USER_COLUMNS, hasGroups], parseUserRow, (user, _, { has_groups }) =>
      staging.addUser({ ...user, has_groups: Number(has_groups) }),
    );
    stage('authtoken_token', TOKEN_COLUMNS, parseTokenRow, ({ user_id, ...token }, record) =>
      staging.addToken({ ...token, user: user_id }, { file: path, record }),
    );

    for (const table of tables) {
      if (['auth_user', 'authtoken_token'].includes(table) || rowsOf(table) === 0) continue;
      ignored.set(table, (ignored.get(table) ?? 0) + rowsOf(table));
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`SQLite cannot read the file: ${String(error)}`);
  } finally {
    django.close();
  }
}

const countRows = (db: DatabaseSync, table: string): number =>
  Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);

/**
 * Fills an empty file with all tables that `migrate` makes for `auth` and `authtoken`, and the
 * accounts.
 */
export function writeSqlite(path: string, staging: Staging, lastUserId: number): void {
  const django = new DatabaseSync(path);
  try {
    django.exec('BEGIN');
    django.exec(readFileSync(join(import.meta.dirname, 'django-tables.sql'), 'utf8'));
    const insertUser = django.prepare(
      `INSERT INTO auth_user (${USER_COLUMNS.join(', ')})
       VALUES (${USER_COLUMNS.map((name) => `:${name}`).join(', ')})`,
    );
    const insertToken = django.prepare(
      'INSERT INTO authtoken_token (key, created, user_id) VALUES (:key, :created, :user_id)',
    );
    for (const user of staging.users()) insertUser.run(user);
    for (const token of staging.tokens()) insertToken.run(token);
    // A deleted user's id is never given again, here as there.
    django
      .prepare(`UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'auth_user'`)
      .run(lastUserId);
    django.exec('COMMIT');
  } finally {
    django.close();
  }
}
