/** Opens a fixture as it is found: compressed or not, in one of several encodings. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { CommandError } from './command-error.ts';
import { BrokenData, compressionOf, decompress } from './compression.ts';
import { expected } from './not-a-fixture.ts';
import type { Reading } from './reading.ts';
import { SQLITE_MAGIC } from './sqlite-file.ts';
import { fileName, note, type Progress, STDIO, startProgress } from './terminal.ts';
import { createDecoder, type Decoded } from './text-encoding.ts';
import type { UserModel } from './user-model.ts';

/** The first bytes that say what a file is. */
const HEAD_BYTES = 16;

/** The start of a `pg_dump` in PostgreSQL's own formats (src/bin/pg_dump/pg_backup_archiver.c). */
const POSTGRESQL_MAGIC = 'PGDMP';

/**
 * The text of a fixture, in pieces. The last of them may have a problem, and then nothing follows.
 *
 * @param path `-` for standard input
 * @throws CommandError for a file that holds no text
 */
export async function* readText(
  path: string,
  { model, files }: Pick<Reading, 'model' | 'files'>,
): AsyncGenerator<Decoded> {
  const source = path === STDIO ? process.stdin : createReadStream(path);
  using progress = await startReading(path);
  try {
    const file = await peek(source);
    const compression = compressionOf(file.head, path);
    const { head, bytes } = compression
      ? await peek(decompress(compression, path, file.bytes))
      : file;
    refuseBinary(head, model);
    const decode = createDecoder(head, files.encoding);
    for await (const chunk of bytes) {
      const decoded = decode(chunk);
      yield decoded;
      if (decoded.problem !== undefined) return;
      progress?.reach(source.bytesRead);
    }
    yield decode(undefined);
  } catch (error) {
    if (!(error instanceof BrokenData)) throw error;
    yield { text: '', problem: { reason: error.message } };
  } finally {
    source.destroy();
  }
}

/** The first bytes of what comes in pieces, and all of it. */
async function peek(source: AsyncIterable<Buffer>) {
  const pieces = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < HEAD_BYTES) {
    const { value, done } = await pieces.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  return { head, bytes: all() };

  async function* all(): AsyncGenerator<Buffer> {
    yield head;
    yield* { [Symbol.asyncIterator]: () => pieces };
  }
}

/** @throws CommandError if it is a database or a dump of one */
function refuseBinary(head: Buffer, model: UserModel): void {
  const start = head.toString('latin1');
  if (start.startsWith(SQLITE_MAGIC)) {
    throw new CommandError(
      'an SQLite file, which cannot be compressed or come by standard input: name the file itself',
    );
  }
  if (start.startsWith(POSTGRESQL_MAGIC)) {
    throw new CommandError(`a dump of PostgreSQL and not of Django; ${expected(model)}`);
  }
}

/** How long standard input is, only its end says. */
async function startReading(path: string): Promise<Progress | undefined> {
  const label = `Reading ${fileName(path)}`;
  if (path !== STDIO) return startProgress(label, (await stat(path)).size);
  note(label);
  return undefined;
}
