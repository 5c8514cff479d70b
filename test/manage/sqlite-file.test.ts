/** SQLite files of a project that runs, or that was interrupted. */
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { newReading } from '../../src/manage/reading.ts';
import { openSqlite } from '../../src/manage/sqlite-file.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const DJANGO = 'test/conformance/django.sqlite3';
const USERS = 26;

/** A project that runs: its connection, and the folder with the database. */
function running(sql: string) {
  const folder = temporaryDirectory();
  const path = join(folder, 'db.sqlite3');
  copyFileSync(DJANGO, path);
  const project = new DatabaseSync(path);
  onTestFinished(() => project.close());
  project.exec(sql);
  return { project, folder, path };
}

const contentOf = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'base64')]),
  );

const insertUsers = (count: number) => `
  WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT ${count})
  INSERT INTO auth_user
  SELECT 1000 + n, '!', NULL, 0, 'user' || n, '', '', 0, 1, '2024-03-18 02:30:00', '' FROM c`;

function countUsers(path: string): number {
  using file = openSqlite(path, newReading());
  return Number(file.db.prepare('SELECT count(*) AS n FROM auth_user').get()?.n);
}

test('reads the newest rows of a project that runs, and changes none of its files', () => {
  const { folder, path } = running(`PRAGMA journal_mode = WAL; ${insertUsers(5)}`);
  const before = contentOf(folder);
  expect(Object.keys(before)).toContain('db.sqlite3-wal');
  expect(countUsers(path)).toBe(USERS + 5);
  expect(contentOf(folder)).toEqual(before);
});

test('a -wal file without rows is a sign of completeness', () => {
  const { path } = running('PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint(TRUNCATE)');
  expect(countUsers(path)).toBe(USERS);
});

test('leaves out what an interrupted write has changed', () => {
  // With a cache of a few pages SQLite writes some of them before the end of the transaction.
  const { project, folder } = running(`PRAGMA cache_size = 5; BEGIN; ${insertUsers(5000)}`);
  const interrupted = join(temporaryDirectory(), 'copy');
  cpSync(folder, interrupted, { recursive: true });
  project.exec('ROLLBACK');
  const before = contentOf(interrupted);
  expect(Object.keys(before)).toContain('db.sqlite3-journal');
  expect(countUsers(join(interrupted, 'db.sqlite3'))).toBe(USERS);
  expect(contentOf(interrupted)).toEqual(before);
});

test.skipIf(process.platform === 'win32')('leaves no copy behind, even if it is killed', () => {
  const { path } = running(`PRAGMA journal_mode = WAL; ${insertUsers(5)}`);
  const temporary = join(temporaryDirectory(), 'tmp');
  mkdirSync(temporary);
  vi.stubEnv('TMPDIR', temporary);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  using file = openSqlite(path, newReading());
  expect(readdirSync(temporary)).toEqual([]);
  expect(file.db.prepare('SELECT count(*) AS n FROM auth_user').get()).toEqual({ n: USERS + 5 });
});

test('follows a link to the file that has the -wal', () => {
  const { folder, path } = running(`PRAGMA journal_mode = WAL; ${insertUsers(5)}`);
  const link = join(temporaryDirectory(), 'link.sqlite3');
  symlinkSync(path, link);
  expect(countUsers(link)).toBe(USERS + 5);
  expect(readdirSync(folder)).toHaveLength(3);
});
