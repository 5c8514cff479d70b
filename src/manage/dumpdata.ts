/** Django's JSON fixtures: `manage.py dumpdata` writes them, `manage.py loaddata` reads them. */
import * as v from 'valibot';
import { CommandError } from './command-error.ts';
import { readText } from './fixture-text.ts';
import { addIgnored } from './ignored.ts';
import { createJsonRecordsParser } from './json-records.ts';
import { expected } from './not-a-fixture.ts';
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
import { AUTH_USER, BASE_USER_FIELDS, createFieldTaker } from './user-model.ts';

/** The end of the name of a fixture that is to be compressed. */
export const GZIP = '.gz';

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
 * @param path `-` for standard input
 * @param reading counts the records of other models
 * @throws CommandError with the record's number, from 1, and the reason
 */
export async function stageFixture(
  path: string,
  staging: Staging,
  reading: Reading,
): Promise<void> {
  const { ignored, otherUserModels, findUserIds, namesKnownUsers } = reading;
  const takeFields = createFieldTaker(reading.model, reading.dropped);
  let record = 0;
  for await (const items of readFixture(path, reading)) {
    const entries = items.map((item, i) => entryOf(item, record + 1 + i, reading, takeFields));
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
          staging.addToken(entry.token, { file: path, record }, known, namesKnownUsers);
        } else {
          addIgnored(ignored, entry.model, 1);
          if (entry.hasFieldsOfUser) addIgnored(otherUserModels, entry.model, 1);
        }
      });
    }
  }
}

function entryOf(
  item: unknown,
  record: number,
  reading: Reading,
  takeFields: ReturnType<typeof createFieldTaker>,
): Entry {
  if (!v.is(Item, item)) {
    throw new CommandError(
      `record ${record}: not a record: it has no model; ${expected(reading.model)}`,
    );
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
      const taken = isCustom ? ofRecord(record, model, () => takeFields(fields)) : item.fields;
      return { model, user: rowOf(parseUserRecord({ ...item, fields: taken }, isCustom)) };
    }
    case 'authtoken.token':
    // A proxy of the same table and primary key (rest_framework/authtoken/models.py, `TokenProxy`).
    case 'authtoken.tokenproxy':
      return { model, token: rowOf(parseTokenRecord(item, isCustom)) };
    default:
      return { model, hasFieldsOfUser: BASE_USER_FIELDS.every((name) => name in fields) };
  }
}

/** The username by which a record refers to a user. */
function naturalKey(entry: Entry): string | undefined {
  if ('user' in entry) return entry.user.id === null ? entry.user.username : undefined;
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
async function* readFixture(path: string, reading: Reading): AsyncGenerator<unknown[]> {
  const parser = createJsonRecordsParser(reading.model);
  for await (const { text, problem } of readText(path, reading)) {
    yield parser.read(text);
    if (problem !== undefined) throw parser.refusal(problem);
  }
  parser.end();
}

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
