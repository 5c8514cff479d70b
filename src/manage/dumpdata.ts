/** Django's JSON fixtures: `manage.py dumpdata` writes them, `manage.py loaddata` reads them. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import * as v from 'valibot';
import { CommandError } from './command-error.ts';
import { addIgnored } from './ignored.ts';
import { createJsonArrayParser } from './json-array.ts';
import type { Reading } from './reading.ts';
import {
  type FixtureToken,
  type FixtureUser,
  type Parsed,
  parseTokenRecord,
  parseUserRecord,
  toDumpedToken,
  toDumpedUser,
} from './records.ts';
import type { Staging } from './staging.ts';
import { fileName, note, type Progress, STDIO, startProgress } from './terminal.ts';
import { AUTH_USER, BASE_USER_FIELDS, takeFields } from './user-model.ts';

/** The end of the name of a compressed fixture. */
export const GZIP = '.gz';

/** The hint for a file that is not a fixture. */
const EXPECTED =
  'expected [{"model": "auth.user", "pk": 1, "fields": {…}}, …], as ' +
  '`manage.py dumpdata auth.user authtoken.token` writes it';

/** Bytes that are decompressed at a time. A plain file is read in pieces of the same length. */
const CHUNK_BYTES = 64 * 1024;

/** A decoder replaces invalid bytes with it. */
const REPLACEMENT = '\uFFFD';

/** Django's app labels and names of models have up to 100 characters (`ContentType`). */
const MAX_MODEL_LENGTH = 201;

const Fields = v.record(v.string(), v.unknown());

const Item = v.looseObject({ model: v.pipe(v.string(), v.maxLength(MAX_MODEL_LENGTH)) });

/** A record of a fixture; of other models only the name. */
type Entry =
  | { model: string; user: FixtureUser }
  | { model: string; token: FixtureToken }
  | { model: string; hasFieldsOfUser: boolean };

/**
 * Reads a fixture into the staging.
 *
 * @param path `-` for standard input; a name in `.gz` is decompressed
 * @param reading counts the records of other models
 * @throws CommandError with the record's number, from 1, and the reason
 */
export async function stageFixture(
  path: string,
  staging: Staging,
  reading: Reading,
): Promise<void> {
  const { ignored, otherUserModels, findUserIds, namesKnownUsers } = reading;
  let record = 0;
  for await (const items of readFixture(path)) {
    const entries = items.map((item, i) => entryOf(item, record + 1 + i, reading));
    const usernames = entries
      .map(naturalKey)
      .filter((name) => name !== undefined)
      .filter((name) => !staging.isStaged(name));
    const known = await findUserIds(usernames);
    for (const entry of entries) {
      record += 1;
      ofRecord(record, entry.model, () => {
        if ('user' in entry) staging.addUser(entry.user, known);
        else if ('token' in entry) {
          const nameable = namesKnownUsers ? known : undefined;
          staging.addToken(entry.token, { file: path, record }, nameable);
        } else {
          addIgnored(ignored, entry.model, 1);
          if (entry.hasFieldsOfUser) addIgnored(otherUserModels, entry.model, 1);
        }
      });
    }
  }
}

function entryOf(item: unknown, record: number, reading: Reading): Entry {
  if (!v.is(Item, item)) {
    throw new CommandError(`record ${record}: not a record: it has no model; ${EXPECTED}`);
  }
  const { model } = item;
  const { label } = reading.model;
  const isCustom = label !== AUTH_USER.label;
  const rowOf = <T>(parsed: Parsed<T>): T =>
    ofRecord(record, model, () => {
      if ('reason' in parsed) throw new CommandError(parsed.reason);
      return parsed.row;
    });
  const fields = v.is(Fields, item.fields) ? item.fields : {};
  switch (model.toLowerCase()) {
    case label: {
      const taken = isCustom
        ? ofRecord(record, model, () => takeFields(reading.model, fields, reading.dropped))
        : item.fields;
      return { model, user: rowOf(parseUserRecord({ ...item, fields: taken }, isCustom)) };
    }
    case 'authtoken.token':
      return { model, token: rowOf(parseTokenRecord(item, isCustom)) };
    default:
      return { model, hasFieldsOfUser: BASE_USER_FIELDS.every((name) => name in fields) };
  }
}

/** The username by which a record refers to a user. */
function naturalKey(entry: Entry): string | undefined {
  if ('user' in entry) return typeof entry.user.id === 'number' ? undefined : entry.user.username;
  if ('token' in entry) return Array.isArray(entry.token.user) ? entry.token.user[0] : undefined;
  return undefined;
}

/** Does something with a record, which a refusal then names. */
function ofRecord<T>(record: number, model: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(`record ${record} (${model}): ${error.message}`);
  }
}

/**
 * The records of a fixture, some at a time. Numbers are read as text: as such Django takes them
 * too, whatever the field, and they keep all their digits.
 */
async function* readFixture(path: string): AsyncGenerator<unknown[]> {
  const array = createJsonArrayParser(EXPECTED);
  // Drops a byte order mark.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
  const decode = (chunk: Buffer): string => {
    try {
      return decoder.decode(chunk, { stream: true });
    } catch {
      const [good = ''] = new TextDecoder().decode(chunk).split(REPLACEMENT, 1);
      array.read(good);
      throw array.refusal('not in UTF-8');
    }
  };

  const source = path === STDIO ? process.stdin : createReadStream(path);
  const bytes = path.endsWith(GZIP)
    ? pipeline(source, createGunzip({ chunkSize: CHUNK_BYTES }), () => {})
    : source;
  using progress = await startReading(path);
  try {
    for await (const chunk of bytes) {
      yield array.read(decode(chunk));
      progress?.reach(source.bytesRead);
    }
  } catch (error) {
    if (!isGzipError(error)) throw error;
    throw new CommandError(`${array.place()}: the gzip data breaks off or is broken here`);
  } finally {
    source.destroy();
  }
  array.end();
}

/** How long standard input is, only its end says. */
async function startReading(path: string): Promise<Progress | undefined> {
  const label = `Reading ${fileName(path)}`;
  if (path !== STDIO) return startProgress(label, (await stat(path)).size);
  note(label);
  return undefined;
}

/** zlib's own codes (nodejs.org/api/zlib.html, "Constants"). */
const isGzipError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^Z_.*_ERROR$/.test(String(error.code));

/** The text of a fixture: users, then tokens, one record a line. */
export function* fixtureText(staging: Staging): Generator<string> {
  let separator = '[\n';
  for (const record of records(staging)) {
    yield separator + JSON.stringify(record);
    separator = ',\n';
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

function* records(staging: Staging) {
  for (const row of staging.users()) yield toDumpedUser(row);
  for (const row of staging.tokens()) yield toDumpedToken(row);
}
