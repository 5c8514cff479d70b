/** Django's SQLite files: reads one into the staging, and writes one that a real Django runs on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KNOX_COLUMNS, TOKEN_COLUMNS, USER_COLUMNS } from '../store/operator/bulk.ts';
import { CommandError } from './command-error.ts';
import { addIgnored, MAX_COUNTED } from './ignored.ts';
import { makeFixture } from './not-a-fixture.ts';
import { otherUserModel, type Reading } from './reading.ts';
import {
  type IdLimit,
  isKeyOfKnox4,
  type Parsed,
  parseCustomKnoxRow,
  parseCustomTokenRow,
  parseCustomUserRow,
  parseKnoxRow,
  parseTokenRow,
  parseUserRow,
} from './records.ts';
import { openSqlite } from './sqlite-file.ts';
import type { Staging } from './staging.ts';
import { endedByInterrupt, startProgress } from './terminal.ts';
import {
  AUTH_USER,
  addDropped,
  BASE_USER_FIELDS,
  sourcesOf,
  type UserModel,
} from './user-model.ts';

const TOKENS = 'authtoken_token';
const KNOX = 'knox_authtoken';

/** The tables of many-to-many fields of `PermissionsMixin`, after the name of the table of users. */
const LISTS = ['_groups', '_user_permissions'];

/** Values of columns that a custom model does not have, in SQL. The others are empty texts. */
const DEFAULTS: Record<string, string> = {
  last_login: 'NULL',
  is_superuser: '0',
  is_staff: '0',
  is_active: '1',
  date_joined: 'NULL',
};

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
 * @param reading counts the rows of other tables
 * @throws CommandError with the table, the row and the reason
 */
export function stageSqlite(path: string, staging: Staging, reading: Reading): void {
  try {
    endedByInterrupt(() => {
      using file = openSqlite(path, reading);
      stageTables(file.db, path, staging, reading);
    });
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      `SQLite cannot read the file: ${String(error)}. Copy it again, or ${makeFixture(reading.model)}`,
    );
  }
}

function stageTables(django: DatabaseSync, path: string, staging: Staging, reading: Reading): void {
  django.exec(UNTRUSTED);
  const { model } = reading;
  const tables = tablesOf(django);
  const users = tables.find((table) => table.toLowerCase() === model.table.toLowerCase());
  const hasTokens = tables.includes(TOKENS);
  if (users === undefined || isOtherModel(django, users)) {
    findUserModels(django, tables, reading);
    if (reading.otherUserModels.size > 0) throw otherUserModel(reading);
    throw new CommandError(
      users === undefined
        ? `the file has no table ${model.table}`
        : `the tokens of the file are not those of ${users}`,
    );
  }
  const hasKnox = tables.includes(KNOX);
  if (!hasTokens && !hasKnox) reading.hasNoTokens = true;
  // Nothing says that these are the users of the project, if another table has users too.
  if (usersOfTokens(django) === undefined) findUserModels(django, tables, reading);
  const lists = LISTS.map((suffix) => users + suffix).filter((table) => tables.includes(table));
  const toRead = [users, ...(hasTokens ? [TOKENS] : []), ...(hasKnox ? [KNOX] : []), ...lists];
  for (const table of toRead) refuseEndless(django, table);

  using progress = startProgress(
    `Reading ${path}`,
    countRows(django, users) +
      (hasTokens ? countRows(django, TOKENS) : 0) +
      (hasKnox ? countRows(django, KNOX) : 0),
  );
  let done = 0;

  const stage = <T>(
    table: string,
    { columns, key }: { columns: string[]; key: string },
    parse: (row: unknown) => Parsed<T>,
    add: (row: T, record: number, columns: Record<string, unknown>) => void,
  ) => {
    const query = django.prepare(
      `SELECT ${columns.join(', ')} FROM ${quoted(table)} AS t ORDER BY t.${quoted(key)}`,
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
  const isCustom = model.label !== AUTH_USER.label;
  const limit = idLimitOf(django);
  stage(
    users,
    userColumns(django, users, lists, reading),
    (row) => (isCustom ? parseCustomUserRow(row) : parseUserRow(row, limit)),
    (user, _, { has_groups }) => staging.addUser({ ...user, has_groups: Number(has_groups) }),
  );
  if (hasTokens) {
    stage(
      TOKENS,
      { columns: TOKEN_COLUMNS.map((column) => boundedValue(column)), key: 'key' },
      (row) => (isCustom ? parseCustomTokenRow(row) : parseTokenRow(row, limit)),
      ({ user_id, ...token }, record) =>
        staging.addToken({ ...token, user: user_id }, { file: path, record }),
    );
  }

  if (hasKnox) {
    const names = columnsOf(django, KNOX).map(({ name }) => name);
    // knox before 4.2 has a salt, and older versions lack a column.
    const isOld = names.includes('salt') || !KNOX_COLUMNS.every((name) => names.includes(name));
    const columns = KNOX_COLUMNS.map((name) =>
      names.includes(name) ? boundedValue(name) : `${name === 'expiry' ? 'NULL' : "''"} AS ${name}`,
    );
    stage(
      KNOX,
      { columns, key: 'digest' },
      (row) => (isCustom ? parseCustomKnoxRow(row) : parseKnoxRow(row, limit)),
      ({ user_id, ...token }, record) =>
        staging.addKnoxToken(
          { ...token, user: user_id, isOfKnox4: isOld || isKeyOfKnox4(token.token_key) },
          { file: path, record },
        ),
    );
  }

  for (const table of tables) {
    if (table === users || table === TOKENS || table === KNOX) continue;
    const rows = countRows(django, table, MAX_COUNTED);
    if (rows > 0) addIgnored(reading.ignored, table, rows);
  }
}

/** The expressions of our columns in the table of users, and the column of its ids. */
function userColumns(
  django: DatabaseSync,
  table: string,
  lists: string[],
  { model, dropped }: Reading,
): { columns: string[]; key: string } {
  const names = columnsOf(django, table);
  const isCustom = model.label !== AUTH_USER.label;
  const missing = USER_COLUMNS.find((column) => !names.some(({ name }) => name === column));
  if (!isCustom && missing !== undefined) {
    throw new CommandError(`the table ${table} has no column ${missing}`);
  }
  const key = (isCustom && names.find(({ isKey }) => isKey)?.name) || 'id';
  const sources = isCustom
    ? sourcesOf(model, new Set(names.map(({ name }) => name))).set('id', key)
    : new Map(USER_COLUMNS.map((column) => [column, column]));
  if (isCustom) {
    const taken = new Set(sources.values());
    for (const { name } of names) {
      if (!taken.has(name)) addDropped(dropped, name, countValues(django, table, name));
    }
  }
  const values = USER_COLUMNS.map((column) => {
    const source = sources.get(column);
    return source === undefined
      ? `${DEFAULTS[column] ?? "''"} AS ${quoted(column)}`
      : boundedValue(source, column);
  });
  const inLists = lists.map(
    (list) => `SELECT ${quoted(referenceTo(django, list, model))} FROM ${quoted(list)}`,
  );
  const hasGroups = inLists.length > 0 ? `${quoted(key)} IN (${inLists.join(' UNION ')})` : '0';
  return { columns: [...values, `${hasGroups} AS has_groups`], key };
}

type Column = { name: string; isKey: boolean };

const columnsOf = (db: DatabaseSync, table: string): Column[] =>
  db
    .prepare('SELECT name, pk FROM pragma_table_info(?)')
    .all(table)
    .map(({ name, pk }) => ({ name: String(name), isKey: pk === 1 }));

/** Rows with a value in a column. `false` and 0 are values. */
const countValues = (db: DatabaseSync, table: string, column: string): number =>
  Number(
    db
      .prepare(
        `SELECT count(*) AS n FROM ${quoted(table)} AS t
         WHERE t.${quoted(column)} IS NOT NULL AND t.${quoted(column)} <> ''`,
      )
      .get()?.n,
  );

/** The column of a many-to-many table that refers to users: the lower-case name of the model. */
function referenceTo(db: DatabaseSync, table: string, { label }: UserModel): string {
  const name = `${label.slice(label.indexOf('.') + 1)}_id`;
  return columnsOf(db, table).some((column) => column.name === name) ? name : 'user_id';
}

/**
 * Whether the tokens refer to users of another table, or another table has the users: a project that
 * changed its user model may still have an empty `auth_user`.
 */
function isOtherModel(db: DatabaseSync, users: string): boolean {
  const referenced = usersOfTokens(db);
  return referenced !== undefined && referenced.toLowerCase() !== users.toLowerCase();
}

/** The table of users that the tokens refer to. */
function usersOfTokens(db: DatabaseSync): string | undefined {
  const referenced = db
    .prepare(
      [TOKENS, KNOX]
        .map(
          (table) =>
            `SELECT "table" AS name FROM pragma_foreign_key_list('${table}') WHERE "from" = 'user_id'`,
        )
        .join(' UNION ALL '),
    )
    .get()?.name;
  return referenced === undefined ? undefined : String(referenced);
}

/** Notes the tables with the fields of a user model, by the label of their model. */
function findUserModels(
  db: DatabaseSync,
  tables: string[],
  { model, otherUserModels }: Reading,
): void {
  for (const table of tables) {
    const names = columnsOf(db, table).map(({ name }) => name);
    if (table.toLowerCase() === model.table.toLowerCase()) continue;
    if (!BASE_USER_FIELDS.every((name) => names.includes(name))) continue;
    const rows = countRows(db, table, MAX_COUNTED);
    if (rows > 0) addIgnored(otherUserModels, labelOf(db, tables, table), rows);
  }
}

/** The label of the model of a table. The app's name may have an underscore, too. */
function labelOf(db: DatabaseSync, tables: string[], table: string): string {
  const known = tables.includes('django_content_type')
    ? db
        .prepare(
          `SELECT app_label || '.' || model AS label FROM django_content_type
           WHERE app_label || '_' || model = ?`,
        )
        .get(table)?.label
    : undefined;
  return known === undefined ? table.replace(/_(?=[^_]*$)/, '.') : String(known);
}

/** An identifier (sqlite.org/lang_keywords.html). A table may be called `order` or hold a quote. */
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A column's value, or a text that is too long for any column in place of a longer value. */
const boundedValue = (column: string, name = column): string =>
  `iif(octet_length(${quoted(column)}) > ${MAX_VALUE_BYTES}, printf('%${MAX_VALUE_BYTES}s', ''),
     ${quoted(column)}) AS ${quoted(name)}`;

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
       UNION SELECT 1 FROM pragma_table_info('${KNOX}') WHERE name = 'user_id' AND lower(type) = 'bigint'
       UNION SELECT 1 FROM pragma_table_info('${AUTH_USER.table}') WHERE name = 'id' AND lower(type) = 'bigint'`,
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
  // A file that is not complete is deleted: a journal file would be left beside it.
  django.exec('PRAGMA journal_mode = MEMORY; BEGIN');
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
  if (staging.countKnoxTokens() > 0) {
    django.exec(readFileSync(join(import.meta.dirname, 'knox-tables.sql'), 'utf8'));
    const insertKnoxToken = django.prepare(
      `INSERT INTO knox_authtoken (${KNOX_COLUMNS.join(', ')})
         VALUES (${KNOX_COLUMNS.map((name) => `:${name}`).join(', ')})`,
    );
    for (const token of staging.knoxTokens()) insertKnoxToken.run(token);
  }
  // A deleted user's id is never given again, here as there.
  django
    .prepare(`UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'auth_user'`)
    .run(lastUserId);
  django.exec('COMMIT');
}
