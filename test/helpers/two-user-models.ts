import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { USER_COLUMNS } from '../../src/store/operator/bulk.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** Writes an SQLite file with one user of each of two models, and without a table of tokens. @returns its path */
export function databaseOfTwoModels(): string {
  const path = join(temporaryDirectory(), 'django.sqlite3');
  using db = new DatabaseSync(path);
  db.exec(`
    CREATE TABLE auth_user (${USER_COLUMNS.map((name) => `"${name}"`).join(', ')});
    CREATE TABLE users_user (id integer PRIMARY KEY, password text, last_login text, email text);
    INSERT INTO auth_user VALUES (1, '!', NULL, 0, 'old', '', '', 0, 1, '2024-03-18 02:30:00', '');
    INSERT INTO users_user VALUES (1, '!', NULL, 'new@example.com')`);
  return path;
}
