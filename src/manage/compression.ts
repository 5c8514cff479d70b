/** Compressed fixtures. Their first bytes decide, whatever their names say. */
import { statSync } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import zlib from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { CommandError } from './command-error.ts';
import { STDIO } from './terminal.ts';

/** A compression that is decompressed here. */
export type Compression = 'gzip' | 'zip' | 'zstd';

/** Bytes that are decompressed at a time. */
const CHUNK_BYTES = 64 * 1024;

/** The first bytes of compressed data (RFC 1952 §2.3.1, APPNOTE.TXT §4.3.7, RFC 8878 §3.1.1). */
const MAGIC: Record<Compression, string> = {
  gzip: '\x1f\x8b',
  zip: 'PK\x03\x04',
  zstd: '\x28\xb5\x2f\xfd',
};

/**
 * Compressions that neither Node.js nor a small, maintained library reads, and the command that
 * decompresses each. `.lzma` has no magic number: these are the bytes of its usual properties.
 */
const FOREIGN: [magic: string, name: string, command: string][] = [
  ['BZh', 'bzip2', 'bzip2 -d'],
  ['\xfd7zXZ\0', 'xz', 'xz -d'],
  ['\x5d\0\0', 'lzma', 'xz -d'],
  ['7z\xbc\xaf\x27\x1c', '7-Zip', '7z x'],
];

/** Compressed data that breaks off or is damaged. */
export class BrokenData extends Error {
  constructor(compression: Compression) {
    super(`the ${compression} data breaks off or is broken`);
  }
}

/**
 * @param head the first bytes of a file
 * @throws CommandError for a compression that is not decompressed here
 */
export function compressionOf(head: Buffer, path: string): Compression | undefined {
  const startsWith = (magic: string) => head.indexOf(magic, 0, 'latin1') === 0;
  for (const [magic, name, command] of FOREIGN) {
    if (startsWith(magic)) throw notDecompressed(name, command, path);
  }
  return (['gzip', 'zip', 'zstd'] as const).find((compression) => startsWith(MAGIC[compression]));
}

function notDecompressed(name: string, command: string, path: string): CommandError {
  const whole = path === STDIO ? command : `${command} ${path}`;
  return new CommandError(
    `compressed with ${name}, which \`import\` does not read: decompress it with \`${whole}\` first`,
  );
}

/**
 * @param bytes the compressed data; of a zip file the path is read instead
 * @throws BrokenData
 */
export async function* decompress(
  compression: Compression,
  path: string,
  bytes: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  try {
    if (compression === 'zip') yield* unzip(path);
    else yield* pipeline(Readable.from(bytes), decompressor(compression, path), () => {});
  } catch (error) {
    if (!isBroken(error)) throw error;
    throw new BrokenData(compression);
  }
}

function decompressor(compression: 'gzip' | 'zstd', path: string) {
  const options = { chunkSize: CHUNK_BYTES };
  if (compression === 'gzip') return zlib.createGunzip(options);
  // Node.js has it since 22.15.
  if ('createZstdDecompress' in zlib) return zlib.createZstdDecompress(options);
  throw notDecompressed('zstd', 'zstd -d', path);
}

/** zlib's codes (nodejs.org/api/zlib.html, "Constants"), and yauzl's errors, which have none. */
const isBroken = (error: unknown): boolean =>
  error instanceof Error &&
  ('code' in error ? /^Z(STD)?_/i.test(String(error.code)) : error.name === 'Error');

/**
 * The one file of an archive (django/core/management/commands/loaddata.py, `SingleZipReader`). Its
 * list of files is at its end, so it is read from the file and not from a stream.
 */
async function* unzip(path: string): AsyncGenerator<Buffer> {
  if (path === STDIO || !statSync(path).isFile()) {
    throw new CommandError('a zip file cannot come by a pipe: name the file itself');
  }
  const { openPromise } = (await import('yauzl')).default;
  const archive = await openPromise(path, { autoClose: false });
  try {
    const [entry, ...others] = await filesOf(archive);
    if (!entry || others.length > 0) {
      throw new CommandError('a zip file that holds not one file: unpack it, and name its files');
    }
    if (!entry.canDecodeFileData()) {
      throw new CommandError(
        'a zip file that is encrypted, or compressed with an unusual method: unpack it',
      );
    }
    let checksum = 0;
    for await (const chunk of await archive.openReadStreamPromise(entry)) {
      checksum = zlib.crc32(chunk, checksum);
      yield chunk;
    }
    if (checksum !== entry.crc32) throw new BrokenData('zip');
  } finally {
    archive.close();
  }
}

/** Without folders, and without what macOS adds to each file. */
async function filesOf(archive: ZipFile): Promise<Entry[]> {
  const files: Entry[] = [];
  for await (const entry of archive.eachEntry()) {
    if (!entry.fileName.endsWith('/') && !entry.fileName.startsWith('__MACOSX/')) files.push(entry);
    if (files.length > 1) break;
  }
  return files;
}
