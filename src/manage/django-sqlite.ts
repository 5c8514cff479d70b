/** Django's SQLite files: reads one into the staging, and writes one that a real Django runs on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { TOKEN_COLUMNS, USER_COLUMNS } from '../store/operator/bulk.ts';
import { CommandError } from './command-error.ts';
import { addIgnored, type Ignored, MAX_COUNTED } from './ignored.ts';
import { MAKE_FIXTURE } from './not-a-fixture.ts';
import { type IdLimit, type Parsed, parseTokenRow, parseUserRow } from './records.ts';
import { openSqlite, type SqliteOptions } from './sqlite-file.ts';
import type { Staging } from './staging.ts';
import { endedByInterrupt, startProgress, warn } from './terminal.ts';

const USERS = 'auth_user';
const TOKENS = 'authtoken_token';
const GROUPS = 'auth_user_groups';
const PERMISSIONS = 'auth_user_user_permissions';

/** 1 if the user has a group or a permission, otherwise 0. */
const HAS_GROUPS = `id IN (SELECT user_id FROM ${GROUPS} UNION SELECT user_id FROM ${PERMISSIONS})`;

/**
 * Settings for an untrusted file (sqlite.org/security.html §1.2). The expressions of its CHECK
 * constraints are not evaluated, because they may never end.
 */
const UNTRUSTED = `PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;
  PRAGMA ignore_check_constraints = ON`;

/** No valid value of a column has as many bytes: the longest is an address of 254 characters. */
const MAX_VALUE_BYTES = 4096;

/**
 * Reads a Django project's database into the staging, row by row. The file may come from anywhere:
 * names are quoted, a view never stands in for a table, and no value is read that is too long.
 *
 * @param ignored counts the rows of other tables
 * @throws CommandError with the table, the row and the reason
 */
export function stageSqlite(
  path: string,
  staging: Staging,
  ignored: Ignored,
  options?: SqliteOptions,
): void {
  try {
    endedByInterrupt(() => {
      using file = openSqlite(path, options);
      stageTables(file.db, path, staging, ignored);
    });
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      `SQLite cannot read the file: ${String(error)}. Copy it again, or ${MAKE_FIXTURE}`,
    );
  }
}

function stageTables(django: DatabaseSync, path: string, staging: Staging, ignored: Ignored): void {
  django.exec(UNTRUSTED);
  const tables = tablesOf(django);
  if (!tables.includes(USERS)) throw new CommandError(`the file has no table ${USERS}`);
  const hasTokens = tables.includes(TOKENS);
  if (!hasTokens) warn(`${path} has no table ${TOKENS}: its users have no tokens.`);
  const hasGroups = [GROUPS, PERMISSIONS].every((table) => tables.includes(table));
  for (const table of [
    USERS,
    ...(hasTokens ? [TOKENS] : []),
    ...(hasGroups ? [GROUPS, PERMISSIONS] : []),
  ]) {
    refuseEndless(django, table);
  }

  const users = countRows(django, USERS);
  const tokens = hasTokens ? countRows(django, TOKENS) : 0;
  using progress = startProgress(`Reading ${path}`, users + tokens);
  let done = 0;

  const stage = <T>(
    table: string,
    columns: string[],
    extra: string,
    parse: (row: unknown) => Parsed<T>,
    add: (row: T, record: number, columns: Record<string, unknown>) => void,
  ) => {
    const values = [...columns.map(boundedValue), extra].join(', ');
    const [key = ''] = columns;
    const query = django.prepare(
      `SELECT ${values} FROM ${quoted(table)} AS t ORDER BY t.${quoted(key)}`,
    );
    // Ids keep all their digits.
    query.setReadBigInts(true);
    let record = 0;
    for (const row of query.iterate()) {
      record += 1;
      const parsed = parse(row);
      if ('reason' in parsed) {
        const id = typeof row.id === 'bigint' ? ` (id ${row.id})` : '';
        throw new CommandError(`${table} row ${record}${id}: ${parsed.reason}`);
      }
      add(parsed.row, record, row);
      done += 1;
      progress.reach(done);
    }
  };
  const limit = idLimitOf(django);
  stage(
    USERS,
    USER_COLUMNS,
    `${hasGroups ? HAS_GROUPS : '0'} AS has_groups`,
    (row) => parseUserRow(row, limit),
    (user, _, { has_groups }) => staging.addUser({ ...user, has_groups: Number(has_groups) }),
  );
  if (hasTokens) {
    stage(
      TOKENS,
      TOKEN_COLUMNS,
      '0',
      (row) => parseTokenRow(row, limit),
      ({ user_id, ...token }, record) =>
        staging.addToken({ ...token, user: user_id }, { file: path, record }),
    );
  }

  for (const table of tables) {
    if (table === USERS || table === TOKENS) continue;
    const rows = countRows(django, table, MAX_COUNTED);
    if (rows > 0) addIgnored(ignored, table, rows);
  }
}

/** An identifier (sqlite.org/lang_keywords.html). A table may be called `order` or hold a quote. */
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A column's value, or a text that is too long for any column in place of a longer value. */
const boundedValue = (column: string): string =>
  `iif(octet_length(${quoted(column)}) > ${MAX_VALUE_BYTES}, printf('%${MAX_VALUE_BYTES}s', ''),
     ${quoted(column)}) AS ${quoted(column)}`;

/** Tables with rows of their own: a view or a virtual table computes what it answers. */
const tablesOf = (db: DatabaseSync): string[] =>
  db
    .prepare(
      `SELECT name FROM pragma_table_list
       WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
    )
    .all()
    .map(({ name }) => String(name));

/**
 * A generated column computes its values, and the pages of a damaged table may go round in circles:
 * reading either may not end.
 *
 * @throws CommandError if a column is generated or a page is damaged
 */
function refuseEndless(db: DatabaseSync, table: string): void {
  const generated = db
    .prepare('SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 0')
    .get(table)?.name;
  if (generated) throw new CommandError(`${table}.${generated} is a generated column`);
  const check = db.prepare(`PRAGMA quick_check(${quoted(table)})`).get()?.quick_check;
  if (check !== 'ok') throw new CommandError(`the file is damaged: ${table}: ${check}`);
}

/**
 * Django's BigAutoField is an `integer` in the table of users, as AutoField is. A reference to it is
 * a `bigint` (django/db/models/fields/__init__.py, `BigAutoField.rel_db_type`).
 */
function idLimitOf(db: DatabaseSync): IdLimit {
  const isBig = db
    .prepare(
      `SELECT 1 FROM pragma_table_info('${TOKENS}') WHERE name = 'user_id' AND lower(type) = 'bigint'
       UNION SELECT 1 FROM pragma_table_info('${USERS}') WHERE name = 'id' AND lower(type) = 'bigint'`,
    )
    .get();
  return isBig ? 'BigAutoField' : 'AutoField';
}

/** How many rows a table has; counted up to `limit`, if there is one. */
function countRows(db: DatabaseSync, table: string, limit = -1): number {
  const rows = `SELECT 1 FROM ${quoted(table)} LIMIT ${limit}`;
  return Number(db.prepare(`SELECT count(*) AS n FROM (${rows})`).get()?.n);
}

/**
 * Fills an empty file with all tables that `migrate` makes for `auth` and `authtoken`, and the
 * accounts.
 */
export function writeSqlite(path: string, staging: Staging, lastUserId: number): void {
  const django = new DatabaseSync(path);
  try {
    endedByInterrupt(() => writeTables(django, staging, lastUserId));
  } finally {
    django.close();
  }
}

function writeTables(django: DatabaseSync, staging: Staging, lastUserId: number): void {
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
}
