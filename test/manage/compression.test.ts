/** Compressed fixtures, whole and damaged. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { useManage } from '../helpers/manage.ts';
import { token, user } from '../helpers/records.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

const { manage, query } = useManage();

const FIXTURE = JSON.stringify([user(1), user(2), token('a', 1)]);

type Entry = { name: string; text?: string; flags?: number; checksum?: number };

const ENCRYPTED = 1;

/** A zip file of deflated entries (APPNOTE.TXT §4.3.7, §4.3.12 and §4.3.16). */
function zipOf(...entries: Entry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, text = FIXTURE, flags = 0, checksum = crc32(text) } of entries) {
    const data = deflateRawSync(text);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(checksum, 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(Buffer.byteLength(text), 18);
    common.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), data]);
    directory.push(Buffer.from('PK\x01\x02'), Buffer.alloc(2), common, place, Buffer.from(name));
    parts.push(local);
    offset += local.length;
  }
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(Buffer.concat(directory).length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06'), end]);
}

async function importBytes(bytes: Uint8Array) {
  const path = join(temporaryDirectory(), 'users.json');
  writeFileSync(path, bytes);
  const outcome = await manage(['import', path]);
  const users = await query('SELECT id FROM auth_user ORDER BY id');
  return { ...outcome, users };
}

const whole = { code: 0, users: [{ id: 1 }, { id: 2 }] };

test.each([
  ['gzip', gzipSync(FIXTURE)],
  ['zstd', zstdCompressSync(FIXTURE)],
  ['zip', zipOf({ name: 'users.json' })],
  [
    'zip with what macOS adds',
    zipOf({ name: 'users.json' }, { name: '__MACOSX/._users.json', text: 'x' }),
  ],
  ['zip of a folder', zipOf({ name: 'dump/', text: '' }, { name: 'dump/users.json' })],
])('reads %s', async (_, bytes) => {
  expect(await importBytes(bytes)).toMatchObject(whole);
});

test('reads gzip from standard input', async () => {
  expect(await manage(['import', '-'], { input: gzipSync(FIXTURE) })).toMatchObject({ code: 0 });
  expect(await query('SELECT count(*) AS n FROM auth_user')).toEqual([{ n: 2 }]);
});

const gzipped = gzipSync(FIXTURE);
const zipped = zipOf({ name: 'users.json' });

test.each([
  ['gzip without its end', gzipped.subarray(0, -1), 'the gzip data breaks off or is broken'],
  ['the first bytes of gzip', gzipped.subarray(0, 4), 'the gzip data breaks off or is broken'],
  [
    'gzip with a wrong byte',
    gzipped.map((byte, i) => (i === gzipped.length - 8 ? byte ^ 1 : byte)),
    'the gzip data breaks off',
  ],
  [
    'zstd without its end',
    zstdCompressSync(FIXTURE).subarray(0, -5),
    'the zstd data breaks off or is broken',
  ],
  ['zip without its end', zipped.subarray(0, -30), 'the zip data breaks off or is broken'],
  ['the first bytes of a zip file', zipped.subarray(0, 40), 'the zip data breaks off or is broken'],
  [
    'zip with a wrong byte',
    zipOf({ name: 'users.json', checksum: 1 }),
    'the zip data breaks off or is broken',
  ],
  [
    'an encrypted zip',
    zipOf({ name: 'users.json', flags: ENCRYPTED }),
    'a zip file that is encrypted',
  ],
  [
    'a zip without a file',
    zipOf({ name: 'dump/', text: '' }),
    'a zip file that holds not one file',
  ],
  [
    'a zip of two files',
    zipOf({ name: 'a.json' }, { name: 'b.json' }),
    'a zip file that holds not one file',
  ],
  [
    'a database in gzip',
    gzipSync('SQLite format 3\0'.padEnd(100)),
    'an SQLite file, which cannot be compressed',
  ],
  ['7-Zip', Buffer.from('377abcaf271c0004', 'hex'), 'compressed with 7-Zip'],
  ['a dump of PostgreSQL', Buffer.from('PGDMP\x01\x0e'), 'a dump of PostgreSQL and not of Django'],
])('refuses %s, and writes nothing', async (_, bytes, reason) => {
  expect(await importBytes(bytes)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(reason),
    users: [],
  });
});

test.each([
  ['zip', zipped, 'standard input: a zip file cannot come by a pipe: name the file itself'],
  [
    'SQLite',
    Buffer.from('SQLite format 3\0'.padEnd(100)),
    'an SQLite file, which cannot be compressed or come by',
  ],
])('refuses %s from standard input', async (_, input, reason) => {
  expect(await manage(['import', '-'], { input })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(reason),
  });
});
