/**
 * Opens an SQLite file of the operator so that nothing in its folder changes. SQLite itself would
 * create `-wal` and `-shm` files beside a database in WAL mode, and leave them.
 */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CommandError } from './command-error.ts';
import { makeFixture } from './not-a-fixture.ts';
import type { Reading } from './reading.ts';
import type { UserModel } from './user-model.ts';

/** The start of every SQLite 3 file (sqlite.org/fileformat.html §1.3.1). */
export const SQLITE_MAGIC = 'SQLite format 3\0';

/** The byte "file format read version", and its value in WAL mode (sqlite.org/fileformat.html §1.3.3). */
const READ_VERSION_AT = 18;
const WAL_VERSION = 2;

/** Files beside a database that hold a part of it: new rows, or the old ones of a broken write. */
const COMPANIONS = ['-wal', '-journal'];

const OWNER_ONLY = 0o600;

/** A database to read, until the end of its scope. */
export type SqliteFile = { db: DatabaseSync } & Disposable;

/**
 * Whether a file is an SQLite database. Nothing is read from a pipe, which cannot be read twice.
 */
export const isSqlite = (path: string): boolean =>
  statSync(path).isFile() && startOf(path).toString('latin1').startsWith(SQLITE_MAGIC);

function startOf(path: string): Buffer {
  const start = Buffer.alloc(READ_VERSION_AT + 1);
  const file = openSync(path, 'r');
  try {
    readSync(file, start, 0, start.length, 0);
    return start;
  } finally {
    closeSync(file);
  }
}

/**
 * Opens a database as it is, or a private copy of it and its `-wal` or `-journal` file: SQLite has to
 * write to read these.
 *
 * @throws CommandError for a database in WAL mode without a `-wal` file. A copy that was made while
 *   the project ran lacks the rows of that file. The file of a project that was stopped is complete,
 *   and the two look the same.
 */
export function openSqlite(
  path: string,
  { model, files }: Pick<Reading, 'model' | 'files'>,
): SqliteFile {
  const file = realpathSync(path);
  const companions = COMPANIONS.map((ending) => file + ending).filter((name) => existsSync(name));
  const isWal = startOf(file)[READ_VERSION_AT] === WAL_VERSION;
  if (isWal && !files.withoutWal && !companions.includes(`${file}-wal`)) {
    throw new CommandError(
      `in SQLite's WAL mode, and without its file ${basename(file)}-wal, which holds the newest rows if ` +
        `the project was running: copy that file too, or ${makeFixture(model)}. If the project was stopped ` +
        'before the file was copied, nothing is missing: add --without-wal',
    );
  }
  return isWal || companions.length > 0
    ? openCopy([file, ...companions], model)
    : opened(new DatabaseSync(file, { readOnly: true }));
}

const opened = (db: DatabaseSync, close = () => {}): SqliteFile => ({
  db,
  [Symbol.dispose]() {
    db.close();
    close();
  },
});

function openCopy(files: string[], model: UserModel): SqliteFile {
  const directory = mkdtempSync(join(tmpdir(), 'edge-authtoken-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const copies = copyUnchanged(files, directory, model);
    const [copy = ''] = copies;
    const db = new DatabaseSync(copy);
    // Opens the companions too.
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    // A process that is killed from here on leaves no copy behind. Windows cannot delete an open file.
    if (process.platform !== 'win32') remove();
    return opened(db, remove);
  } catch (error) {
    remove();
    throw error;
  }
}

/** @throws CommandError if a file changes while it is copied: the copies would not belong together */
function copyUnchanged(files: string[], directory: string, model: UserModel): string[] {
  const states = () => files.map((file) => statSync(file, { bigint: true }));
  const before = states();
  const copies = files.map((file) => {
    const copy = join(directory, basename(file));
    copyFileSync(file, copy);
    chmodSync(copy, OWNER_ONLY);
    return copy;
  });
  const isUnchanged = states().every(
    ({ size, mtimeNs }, i) => size === before[i]?.size && mtimeNs === before[i]?.mtimeNs,
  );
  if (isUnchanged) return copies;
  throw new CommandError(
    `the project writes to the database while it is read: stop the project, or ${makeFixture(model)}`,
  );
}
