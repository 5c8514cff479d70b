/**
 * Files as they are found: encodings, compressions and formats that a real `loaddata` or SQLite read
 * or refused (test/conformance/formats-cases.json).
 */
import { copyFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import recorded from '../conformance/formats-cases.json' with { type: 'json' };
import { useManage } from '../helpers/manage.ts';
import { user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const FOLDER = 'test/conformance';

const Rows = v.array(v.record(v.string(), v.union([v.string(), v.number(), v.null()])));
const Accounts = v.object({ users: Rows, tokens: Rows });

/** Null: SQLite finds no such table. */
const Tables = v.object({ users: v.nullable(Rows), tokens: v.nullable(Rows) });

const Case = v.object({
  id: v.string(),
  file: v.nullable(v.string()),
  expect: v.union([
    Accounts,
    Tables,
    v.object({ refused: v.string() }),
    v.object({ output: v.string() }),
  ]),
  meant: v.optional(Accounts),
  database: v.optional(Accounts),
});

type Case = v.InferOutput<typeof Case>;

const cases = v.parse(v.array(Case), recorded.cases);

const { manage, query } = useManage();

const DUMPDATA = 'python -Xutf8 manage.py dumpdata auth.user authtoken.token -o users.json';

/** The files that `import` refuses, and what it says they are. */
const REFUSED: Record<string, string> = {
  'UTF-16LE with a byte order mark, as PowerShell writes it':
    'record 2: in UTF-16, and with a letter outside of ASCII here',
  'UTF-16LE, letters already spoilt by PowerShell':
    'record 2: in UTF-16, and with a letter outside of ASCII here',
  'UTF-16BE with a byte order mark': 'record 2: in UTF-16',
  'UTF-16LE without a byte order mark': 'record 2: in UTF-16',
  'CP1252, as cmd.exe writes it': 'record 2: not in UTF-8',
  'broken off, as dumpdata leaves it on Windows at the first letter outside CP1252':
    'record 3: the JSON breaks off or is malformed',
  'text before the [': 'text before the JSON',
  'a line in brackets before the [': 'text before the JSON',
  'text after the ]': 'there is text after the closing bracket',
  'a comma before the ]': 'record 6: the JSON breaks off or is malformed',
  comments: 'JSON with comments',
  'two arrays one after the other, as cat makes them': 'there is text after the closing bracket',
  'an empty file': 'an empty file',
  "JSON inside Markdown's fence": "JSON inside Markdown's fence",
  'an HTML page': 'an HTML page',
  YAML: 'YAML, which `import` does not read',
  'YAML by hand, in the short form': 'YAML, which `import` does not read',
  'YAML named .yml': 'YAML, which `import` does not read',
  'YAML in gzip': 'YAML, which `import` does not read',
  XML: 'XML, which `import` does not read',
  CSV: 'CSV',
  'gzip broken off': 'the gzip data breaks off or is broken',
  'zip of two files': 'a zip file that holds not one file: unpack it',
  bzip2: 'compressed with bzip2, which `import` does not read: decompress it with `bzip2 -d ',
  xz: 'compressed with xz, which `import` does not read: decompress it with `xz -d ',
  lzma: 'compressed with lzma, which `import` does not read: decompress it with `xz -d ',
  zstd: 'the zstd data breaks off or is broken',
  "authtoken.tokenproxy of nobody's": 'its user 99 is not in the files',
  'an SQL dump': 'an SQL dump',
  'a database without auth_user': 'the file has no table auth_user',
  'an empty file named .sqlite3': 'an empty file',
  'a database cut short':
    'SQLite cannot read the file: Error: database disk image is malformed. Copy it again',
  'WAL mode, copied without its -wal': "in SQLite's WAL mode, and without its file db.sqlite3-wal",
  'WAL mode, never checkpointed, copied without its -wal':
    "in SQLite's WAL mode, and without its file db.sqlite3-wal",
  'WAL mode, closed properly, one file':
    "in SQLite's WAL mode, and without its file wal-checkpointed.sqlite3-wal",
};

/** The refusals that need no other file from Django. */
const OTHER_WAY = /^(zip|bzip2|xz|lzma|authtoken\.tokenproxy|a database without)/;

const rows = async () => ({
  users: await query('SELECT * FROM auth_user ORDER BY id'),
  tokens: await query('SELECT * FROM authtoken_token ORDER BY key'),
});

const NOTHING = { users: [], tokens: [] };

/** The rows that the records of a file are. */
function rowsOf({ expect: seen, meant, database }: Case) {
  const found = database ?? meant ?? ('users' in seen ? seen : NOTHING);
  return { users: found.users ?? [], tokens: found.tokens ?? [] };
}

/** Copies a file, and the files beside it, and says what is in the folder. */
function found({ file }: Case) {
  const folder = temporaryDirectory();
  if (file === null) writeFileSync(join(folder, 'output.json'), '[]');
  else if (file.split('/').length > 2)
    cpSync(join(FOLDER, dirname(file)), folder, { recursive: true });
  else copyFileSync(join(FOLDER, file), join(folder, basename(file)));
  const path = join(folder, file === null ? 'output.json' : basename(file));
  const content = () =>
    Object.fromEntries(
      readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'base64')]),
    );
  return { path, content };
}

function caseOf(id: string): Case {
  const named = cases.find((candidate) => candidate.id === id);
  if (!named) throw new Error(`no case "${id}"`);
  return named;
}

test('every recorded case is tried', () => {
  expect(cases).toHaveLength(64);
  for (const id of Object.keys(REFUSED)) expect(caseOf(id).id).toBe(id);
});

test.each(cases.filter(({ id }) => REFUSED[id] === undefined))(
  'reads and leaves as it is: $id',
  async (recordedCase) => {
    const { path, content } = found(recordedCase);
    const before = content();
    expect(await manage(['import', path])).toMatchObject({ code: 0 });
    expect(await rows()).toEqual(rowsOf(recordedCase));
    expect(content()).toEqual(before);
  },
);

test.each(cases.filter(({ id }) => REFUSED[id] !== undefined))(
  'refuses by name, with a way out, and writes nothing: $id',
  async (recordedCase) => {
    const { path, content } = found(recordedCase);
    const before = content();
    const { code, stderr } = await manage(['import', path]);
    expect(code).toBe(1);
    expect(stderr).toContain(`CommandError: ${path}: `);
    expect(stderr).toContain(REFUSED[recordedCase.id]);
    if (!OTHER_WAY.test(recordedCase.id)) expect(stderr).toContain(DUMPDATA);
    expect(await rows()).toEqual(NOTHING);
    expect(content()).toEqual(before);
  },
);

test('a database without tokens is reported', async () => {
  const { path } = found(caseOf('a database without authtoken_token'));
  const { stdout } = await manage(['import', path]);
  expect(stdout).toContain('Users imported:  3\nTokens imported: 0\n');
  expect(stdout).toContain('A file has no table authtoken_token: its users have no tokens.\n');
});

test.each([
  'UTF-16LE with a byte order mark, as PowerShell writes it',
  'UTF-16BE with a byte order mark',
  'UTF-16LE without a byte order mark',
])('--encoding utf-16 states that all letters are right: %s', async (id) => {
  const { path } = found(caseOf(id));
  expect(await manage(['import', path])).toMatchObject({
    stderr: expect.stringContaining('add --encoding utf-16'),
  });
  expect(await manage(['import', path, '--encoding', 'utf-16'])).toMatchObject({ code: 0 });
  expect(await rows()).toEqual(rowsOf(caseOf(id)));
});

test('UTF-16 without letters outside of ASCII cannot be spoilt, and is read', async () => {
  const { path } = found(caseOf('CP1252 of ASCII letters only'));
  writeFileSync(path, Buffer.from(`\ufeff${readFileSync(path, 'utf8')}`, 'utf16le'));
  expect(await manage(['import', path])).toMatchObject({ code: 0 });
  expect(await rows()).toEqual(rowsOf(caseOf('CP1252 of ASCII letters only')));
});

test('--encoding cp1252 reads CP1252', async () => {
  const { path } = found(caseOf('CP1252, as cmd.exe writes it'));
  expect(await manage(['import', path])).toMatchObject({
    stderr: expect.stringContaining('add --encoding cp1252'),
  });
  expect(await manage(['import', path, '--encoding', 'cp1252'])).toMatchObject({ code: 0 });
  const { users, tokens } = rowsOf(caseOf('plain UTF-8'));
  expect(await rows()).toEqual({ users: users.filter(({ id }) => id !== 5), tokens });
});

test.each([
  ['UTF-8', 'Zoë', 'utf8', 'in UTF-8 and not in CP1252 up to here'],
  ['a byte that CP1252 has not', 'Zo\x81', 'latin1', 'record 1: not in CP1252 here'],
] as const)('--encoding cp1252 is not believed: %s', async (_, first_name, encoding, reason) => {
  const path = join(temporaryDirectory(), 'users.json');
  writeFileSync(path, Buffer.from(JSON.stringify([user(1, { first_name })]), encoding));
  expect(await manage(['import', path, '--encoding', 'cp1252'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(reason),
  });
});

test('the letters of CP1252 that Latin-1 has not are read', async () => {
  const path = join(temporaryDirectory(), 'users.json');
  const text = JSON.stringify([user(1, { first_name: '?' })]);
  writeFileSync(path, Buffer.from(text.replace('?', '\x80\x8a\x92\x9f'), 'latin1'));
  expect(await manage(['import', path, '--encoding', 'cp1252'])).toMatchObject({ code: 0 });
  expect(await query('SELECT first_name FROM auth_user')).toEqual([{ first_name: '€Š’Ÿ' }]);
});

test.each(['WAL mode, closed properly, one file', 'WAL mode, copied without its -wal'])(
  '--without-wal states that no row is missing: %s',
  async (id) => {
    const { path, content } = found(caseOf(id));
    const before = content();
    expect(await manage(['import', path])).toMatchObject({
      stderr: expect.stringContaining('nothing is missing: add --without-wal'),
    });
    expect(await manage(['import', path, '--without-wal'])).toMatchObject({ code: 0 });
    expect(await rows()).toEqual(rowsOf(caseOf(id)));
    expect(content()).toEqual(before);
  },
);

test('the command that makes a good file names the user model of the project', async () => {
  const { path } = found(caseOf('an HTML page'));
  const { stderr } = await manage(['import', path, '--user-model', 'users.User']);
  expect(stderr).toContain(
    'expected [{"model": "users.user", "pk": 1, "fields": {…}}, …], as ' +
      '`python -Xutf8 manage.py dumpdata users.user authtoken.token -o users.json` writes it',
  );
});

test('an export compares with files as they are found, too', async () => {
  const { path } = found(caseOf('WAL mode, closed properly, one file'));
  await manage(['import', path, '--without-wal']);
  const script = join(temporaryDirectory(), 'changes.py');
  const args = ['export', script, '--against', path];
  expect(await manage(args)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('nothing is missing: add --without-wal'),
  });
  expect(await manage([...args, '--without-wal'])).toMatchObject({ code: 0 });
});

test('the documentation has the command of the messages', () => {
  const page = readFileSync('docs/moving-from-django.md', 'utf8');
  const sections = ['Files that import reads', 'Windows'].map(
    (heading) => page.split(/^## /m).find((section) => section.startsWith(heading)) ?? '',
  );
  for (const section of sections) expect(section).toContain(DUMPDATA);
});
