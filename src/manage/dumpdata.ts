/** Django's JSON fixtures: `manage.py dumpdata` writes them, `manage.py loaddata` reads them. */
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { chain } from 'stream-chain';
import { parser } from 'stream-json';
import { streamArray } from 'stream-json/streamers/stream-array.js';
import * as v from 'valibot';
import { CommandError } from './command-error.ts';
import {
  parseDumpedToken,
  parseDumpedUser,
  toDumpedToken,
  toDumpedUser,
  tokenRow,
  userRow,
} from './records.ts';
import type { Staging } from './staging.ts';
import { startProgress } from './terminal.ts';

/** What a file held besides users and tokens. */
export type Contents = {
  /** Records of other models, by model. */
  ignored: Map<string, number>;
  /** Users in a group or with a permission of their own. */
  withGroups: number;
};

const Item = v.object({ key: v.number(), value: v.looseObject({ model: v.string() }) });

/**
 * Reads a dump into the staging, one record at a time.
 *
 * @throws CommandError with the record's number, from 1, and the reason
 */
export async function stageDumpdata(path: string, staging: Staging): Promise<Contents> {
  const contents: Contents = { ignored: new Map(), withGroups: 0 };
  const source = createReadStream(path);
  using progress = startProgress('Reading', (await stat(path)).size);
  const records = chain([
    source,
    utf8Decoder(),
    parser({ packValues: true, streamValues: false }),
    streamArray(),
  ]);

  let record = 0;
  let model = '';
  try {
    for await (const item of records) {
      record += 1;
      model = '';
      const parsed = v.safeParse(Item, item);
      if (!parsed.success) throw new CommandError('not a record: it has no model');
      const { value } = parsed.output;
      model = value.model;
      stageRecord(model, value, record, staging, contents);
      progress.reach(source.bytesRead);
    }
  } catch (error) {
    if (error instanceof CommandError) {
      throw new CommandError(`record ${record}${model && ` (${model})`}: ${error.message}`);
    }
    if (isFileError(error)) throw error;
    // The parser's own message may quote the file.
    throw new CommandError(
      record === 0
        ? 'not a JSON array of records, in UTF-8, nor an SQLite file'
        : `record ${record + 1}: the JSON breaks off or is malformed here`,
    );
  }
  return contents;
}

function stageRecord(
  model: string,
  value: unknown,
  record: number,
  staging: Staging,
  contents: Contents,
): void {
  switch (model) {
    case 'auth.user': {
      const user = parseDumpedUser(value);
      if ('reason' in user) throw new CommandError(user.reason);
      if (user.hasGroups) contents.withGroups += 1;
      staging.addUser(user.row, record);
      break;
    }
    case 'authtoken.token': {
      const token = parseDumpedToken(value);
      if ('reason' in token) throw new CommandError(token.reason);
      staging.addToken(token.row, record);
      break;
    }
    default:
      contents.ignored.set(model, (contents.ignored.get(model) ?? 0) + 1);
  }
}

/** Refuses bytes that are not UTF-8, where stream-json would put U+FFFD in their place. */
function utf8Decoder() {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
  return (bytes: Buffer) => decoder.decode(bytes, { stream: true });
}

const isFileError = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && 'code' in error;

/** Writes users, then tokens, one record a line. */
export async function writeDumpdata(path: string, staging: Staging): Promise<void> {
  await pipeline(Readable.from(fixture(staging)), createWriteStream(path));
}

function* fixture(staging: Staging): Generator<string> {
  let separator = '[\n';
  for (const record of records(staging)) {
    yield separator + JSON.stringify(record);
    separator = ',\n';
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

function* records(staging: Staging) {
  for (const row of staging.users()) yield toDumpedUser(userRow(row));
  for (const row of staging.tokens()) yield toDumpedToken(tokenRow(row));
}
