/**
 * Users and tokens as fixtures have them, and as Django's tables hold them: fixtures spell booleans
 * and datetimes in JSON's way, SQLite in integers and text. No I/O.
 *
 * A fixture is read as `loaddata` reads it (django/core/serializers/python.py, `Deserializer`).
 * What a column may hold is what Django's may (django/contrib/auth/models.py,
 * rest_framework/authtoken/models.py, knox/models.py), in PostgreSQL too. Whether a value is a good one is not
 * asked: it exists.
 */
import * as v from 'valibot';
import { djangoDatetime } from '../lib/django-datetime.ts';
import { KNOX_4_TOKEN_KEY_LENGTH } from '../store/operator/inspection.ts';

/** A user as a fixture has it. */
export type FixtureUser = Omit<UserRow, 'id' | 'date_joined'> & {
  /** A UUID has 32 hexadecimal digits. Null: the username identifies the user (natural key). */
  id: number | Uuid | null;
  /** Null: not in the fixture. It becomes the time of the import. */
  date_joined: string | null;
  /** 1 if the user has a group or a permission, otherwise 0. */
  has_groups: number;
};

/** A token as a fixture has it. */
export type FixtureToken = {
  key: string;
  /** Null: not in the fixture. It becomes the time of the import. */
  created: string | null;
  /** The user's id, or in a list its username (Django's natural key). */
  user: number | Uuid | [string];
};

/** A token of knox as a fixture has it. */
export type FixtureKnoxToken = Omit<FixtureToken, 'key'> & {
  digest: string;
  /** Null: the token does not expire. */
  expiry: string | null;
  token_key: string;
  /** Whether knox before 5.0 has written it. knox 5 does not accept such a token. */
  isOfKnox4: boolean;
};

/** The UUID of a user of a custom model: 32 hexadecimal digits in lower case. */
export type Uuid = { uuid: string };

/** Text a column of `length` code points can hold, in PostgreSQL too. */
const text = (length: number) =>
  v.pipe(
    v.string('not a string'),
    v.check(
      (value) => value.length <= length || [...value].length <= length,
      `longer than ${length} characters`,
    ),
    v.check((value) => !value.includes('\0'), 'has a null character'),
    v.check((value) => value.isWellFormed(), 'has half a surrogate pair'),
  );

const NOT_WHOLE = 'not a whole number';

/**
 * The highest id, by the field that Django numbers users with.
 * - `AutoField`: an integer of 32 bits in PostgreSQL and MySQL (`IntegerField`).
 * - `BigAutoField`: 2^52. JavaScript's numbers are exact up to 2^53, and the database numbers the
 *   next users above.
 */
export const MAX_IDS = { AutoField: 2 ** 31 - 1, BigAutoField: 2 ** 52 };

export type IdLimit = keyof typeof MAX_IDS;

const TOO_HIGH = {
  AutoField: `more than ${MAX_IDS.AutoField}, the highest id of Django's AutoField`,
  BigAutoField: `more than ${MAX_IDS.BigAutoField}, the highest id that can be imported`,
};

const withinLimit = (limit: IdLimit) =>
  v.check((id: number) => Math.abs(id) <= MAX_IDS[limit], TOO_HIGH[limit]);

/** An id of a row, which is read as a bigint so that it keeps its digits. */
const rowId = (limit: IdLimit) =>
  v.pipe(v.bigint(NOT_WHOLE), v.transform(Number), withinLimit(limit));

const NOT_A_DATETIME = 'not a datetime';

/** Converts a value. If the result is undefined, the value is refused. */
const converted = <T>(convert: (value: unknown) => T | undefined, message: string) =>
  v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      const value = convert(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message });
      return NEVER;
    }),
  );

/** Python's `int()` of a text, except digits of other scripts. */
const PYTHON_INT = /^\s*[+-]?\d+(?:_\d+)*\s*$/;

/**
 * An id of a fixture, number or text: a fixture is read with its numbers as text (see
 * `readFixture`). It does not say which field numbers the users; Django's own is an AutoField.
 */
const fixtureId = (limit: IdLimit) =>
  v.pipe(
    v.string(NOT_WHOLE),
    v.regex(PYTHON_INT, NOT_WHOLE),
    v.transform((text) => Number(text.replaceAll('_', ''))),
    withinLimit(limit),
  );

/** A UUID as a fixture has it, with hyphens, or as SQLite has it, without. */
const uuid = v.pipe(
  v.string('not a UUID'),
  v.transform((text) => text.replaceAll('-', '').toLowerCase()),
  v.regex(/^[0-9a-f]{32}$/, 'not a UUID'),
  v.transform((digits): Uuid => ({ uuid: digits })),
);

/** An id of a custom model: a whole number or a UUID. */
const customId = v.union(
  [fixtureId('BigAutoField'), uuid],
  'neither a whole number that can be imported nor a UUID',
);

/** The user of a token may be of a custom model that is not read: the import names that model. */
const anyUserId = v.union([fixtureId('AutoField'), uuid]);

/** Django's own list (django/db/models/fields/__init__.py, `BooleanField.to_python`). */
const BOOLEANS = new Map<unknown, 0 | 1>([
  ...[true, 't', 'True', '1'].map((value) => [value, 1] as const),
  ...[false, 'f', 'False', '0'].map((value) => [value, 0] as const),
]);

const fixtureBoolean = converted((value) => BOOLEANS.get(value), 'neither true nor false');

/**
 * Date, and perhaps time, fraction and zone (django/utils/dateparse.py, `date_re`, `datetime_re`).
 */
const DATETIME =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,6})\d{0,6})?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;

const MINUTES_OF_A_DAY = 24 * 60;
const MS_OF_A_MINUTE = 60_000;

/**
 * `2019-06-01T12:30:45.123Z` → `2019-06-01 12:30:45.123000`; without a zone it is UTC.
 *
 * @returns undefined if there is no such date or time
 */
export function parseDatetime(text: string): string | undefined {
  const match = DATETIME.exec(text);
  if (!match) return undefined;
  const [, year = '', month = '', day = '', hour = '', minute = '', second = ''] = match;
  const two = (digits: string) => digits.padStart(2, '0');
  const date = `${year}-${two(month)}-${two(day)}`;
  const local = new Date(`${date}T${two(hour)}:${two(minute)}:${two(second)}Z`);
  // V8 takes February 30th for March 1st.
  if (local.getUTCDate() !== Number(day)) return undefined;

  const minutes = offsetMinutes(match[8]);
  if (Math.abs(minutes) >= MINUTES_OF_A_DAY) return undefined;
  const seconds = djangoDatetime(new Date(local.getTime() - minutes * MS_OF_A_MINUTE));
  // Python's years are 1 to 9999, and have four digits.
  if (!/^\d{4}-/.test(seconds) || seconds.startsWith('0000')) return undefined;
  // A fraction of zero stays: the dump has cut off microseconds, and an export must equal the import.
  return match[7] === undefined ? seconds : `${seconds}.${match[7].padEnd('ffffff'.length, '0')}`;
}

/** `+02:00`, `+0200`, `+02` → 120 (`parse_datetime`). */
function offsetMinutes(zone = 'Z'): number {
  if (zone === 'Z') return 0;
  const minutes = 60 * Number(zone.slice(1, 3)) + Number(zone.slice(3).replace(':', ''));
  return zone.startsWith('-') ? -minutes : minutes;
}

/** As `DjangoJSONEncoder`: milliseconds, cut and not rounded, and `Z`. */
function toDump(value: string): string {
  const [seconds, fraction] = value.replace(' ', 'T').split('.');
  return fraction === undefined ? `${seconds}Z` : `${seconds}.${fraction.slice(0, 3)}Z`;
}

/** A datetime of a row in ISO 8601, with all its digits. */
export const toMoment = (value: string): string => {
  const iso = value.replace(' ', 'T');
  return /(Z|[+-]\d{2}:\d{2})$/.test(iso) ? iso : `${iso}Z`;
};

const fixtureDatetime = converted(
  (value) => (typeof value === 'string' ? parseDatetime(value) : undefined),
  NOT_A_DATETIME,
);

/** Date, time and perhaps a fraction, as Django's tables hold them. */
const ROW_DATETIME = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})?$/;

/** The time begins after `YYYY-MM-DD `. */
const TIME_AT = 11;

/** Kept to the character: what is text in Django's file is the same text in ours. */
const rowDatetime = v.pipe(
  v.string(NOT_A_DATETIME),
  v.check(
    (value) => ROW_DATETIME.test(value) && parseDatetime(value) !== undefined,
    NOT_A_DATETIME,
  ),
);

/** A `DateField` of a custom model that is mapped to `date_joined`. */
const rowDate = v.pipe(
  v.string(NOT_A_DATETIME),
  v.regex(/^\d{4}-\d{2}-\d{2}$/, NOT_A_DATETIME),
  v.transform((date) => `${date} 00:00:00`),
  rowDatetime,
);

const rowBoolean = v.pipe(v.picklist([0n, 1n], 'neither 0 nor 1'), v.transform(Number));

const password = text(128);
const username = text(150);
const last_name = text(150);
const email = text(254);
const first_name = text(150);
const key = text(40);
const digest = text(128);
const token_key = text(25);

/** A field of a custom model that Django's own model requires. */
const orEmpty = (schema: v.GenericSchema<unknown, string>) =>
  v.pipe(
    v.nullable(schema),
    v.transform((value) => value ?? ''),
  );

const AUTH_TEXTS = { username, last_name, email, first_name };

/** The username may be an address or a number. */
const CUSTOM_TEXTS = {
  username: v.pipe(
    v.unknown(),
    v.transform((value) => (typeof value === 'bigint' ? String(value) : value)),
    text(254),
  ),
  last_name: orEmpty(last_name),
  email: orEmpty(email),
  first_name: orEmpty(first_name),
};

type Texts = Record<keyof typeof AUTH_TEXTS, v.GenericSchema<unknown, string>>;

/** A record's fields. Which of them there may be is part of what is checked. */
const fieldsOf = <E extends v.ObjectEntries>(entries: E) =>
  v.pipe(
    v.unknown(),
    v.check((value) => !Array.isArray(value), 'not an object'),
    v.strictObject(entries, 'not an object'),
  );

const list = v.optional(v.array(v.unknown(), 'not a list'), []);

/**
 * `auth.user` of a fixture. What is not there has the default of Django's model. Groups and
 * permissions stay Django's: their tables are not ours.
 */
const fixtureUserRecord = <T, D>(
  id: v.GenericSchema<unknown, T>,
  texts: Texts,
  date_joined: v.GenericSchema<unknown, D>,
) =>
  v.object({
    pk: v.nullish(id),
    fields: fieldsOf({
      id: v.nullish(id),
      password: v.optional(password, ''),
      last_login: v.optional(v.nullable(fixtureDatetime), null),
      is_superuser: v.optional(fixtureBoolean, false),
      username: v.optional(texts.username, ''),
      last_name: v.optional(texts.last_name, ''),
      email: v.optional(texts.email, ''),
      is_staff: v.optional(fixtureBoolean, false),
      is_active: v.optional(fixtureBoolean, true),
      date_joined: v.optional(date_joined),
      first_name: v.optional(texts.first_name, ''),
      groups: list,
      user_permissions: list,
    }),
  });

const userReference = <T>(id: v.GenericSchema<unknown, T>) =>
  v.union(
    [id, v.strictTuple([v.string()])],
    'neither the number of a user nor its username in a list',
  );

/** `authtoken.token` of a fixture. `user_id` is Django's other name of the field `user`. */
const fixtureTokenRecord = <T>(id: v.GenericSchema<unknown, T>) =>
  v.object({
    pk: v.nullish(key),
    fields: fieldsOf({
      key: v.nullish(key),
      user: v.optional(userReference(id)),
      user_id: v.optional(userReference(id)),
      created: v.optional(fixtureDatetime),
    }),
  });

/**
 * `knox.authtoken` of a fixture (knox/models.py, `AbstractAuthToken`). `salt` is a field of knox
 * before 4.2.
 */
const fixtureKnoxRecord = <T>(id: v.GenericSchema<unknown, T>) =>
  v.object({
    pk: v.nullish(digest),
    fields: fieldsOf({
      digest: v.nullish(digest),
      token_key: v.optional(token_key),
      salt: v.optional(v.unknown()),
      user: v.optional(userReference(id)),
      user_id: v.optional(userReference(id)),
      created: v.optional(fixtureDatetime),
      expiry: v.optional(v.nullable(fixtureDatetime), null),
    }),
  });

const FIXTURE_USER = fixtureUserRecord(fixtureId('AutoField'), AUTH_TEXTS, fixtureDatetime);
const FIXTURE_TOKEN = fixtureTokenRecord(anyUserId);
const FIXTURE_KNOX_TOKEN = fixtureKnoxRecord(anyUserId);
const CUSTOM_FIXTURE_USER = fixtureUserRecord(customId, CUSTOM_TEXTS, v.nullable(fixtureDatetime));
const CUSTOM_FIXTURE_TOKEN = fixtureTokenRecord(customId);
const CUSTOM_FIXTURE_KNOX_TOKEN = fixtureKnoxRecord(customId);

/** A row of `auth_user`, as SQLite has it. */
const userRow = <T, D>(
  id: v.GenericSchema<unknown, T>,
  texts: Texts,
  date_joined: v.GenericSchema<unknown, D>,
) =>
  v.object({
    id,
    password,
    last_login: v.nullable(rowDatetime),
    is_superuser: rowBoolean,
    ...texts,
    is_staff: rowBoolean,
    is_active: rowBoolean,
    date_joined,
  });

/** A row of `authtoken_token`, as SQLite has it. */
const tokenRow = <T>(user_id: v.GenericSchema<unknown, T>) =>
  v.object({ key, created: rowDatetime, user_id });

/** A row of `knox_authtoken`, as SQLite has it. An expiry is compared as text: it has no time zone. */
const knoxRow = <T>(user_id: v.GenericSchema<unknown, T>) =>
  v.object({
    digest,
    created: rowDatetime,
    user_id,
    expiry: v.nullable(
      v.pipe(
        rowDatetime,
        v.transform((value) =>
          /[Z+-]/.test(value.slice(TIME_AT)) ? (parseDatetime(value) ?? value) : value,
        ),
      ),
    ),
    token_key,
  });

const USER_ROWS = {
  AutoField: userRow(rowId('AutoField'), AUTH_TEXTS, rowDatetime),
  BigAutoField: userRow(rowId('BigAutoField'), AUTH_TEXTS, rowDatetime),
};
const TOKEN_ROWS = {
  AutoField: tokenRow(rowId('AutoField')),
  BigAutoField: tokenRow(rowId('BigAutoField')),
};

const KNOX_ROWS = {
  AutoField: knoxRow(rowId('AutoField')),
  BigAutoField: knoxRow(rowId('BigAutoField')),
};

type UserRow = v.InferOutput<typeof USER_ROWS.AutoField>;
type TokenRow = v.InferOutput<typeof TOKEN_ROWS.AutoField>;
type KnoxRow = v.InferOutput<typeof KNOX_ROWS.AutoField>;

/** An id of a row of a custom model: an integer or a UUID. */
const customRowId = v.union([rowId('BigAutoField'), uuid], 'neither a whole number nor a UUID');

/** The same of a custom model, whose table may have no `date_joined`. */
const CUSTOM_USER_ROW = userRow(
  customRowId,
  CUSTOM_TEXTS,
  v.nullable(v.union([rowDatetime, rowDate], NOT_A_DATETIME)),
);
const CUSTOM_TOKEN_ROW = tokenRow(customRowId);
const CUSTOM_KNOX_ROW = knoxRow(customRowId);

/** The content of a record, or the field and the reason why it is refused. Never the value. */
export type Parsed<T> = { row: T } | { reason: string };

/** @param isCustom whether it is a record of a custom model, with our names of the fields */
export function parseUserRecord(record: unknown, isCustom = false): Parsed<FixtureUser> {
  const parsed = parse(isCustom ? CUSTOM_FIXTURE_USER : FIXTURE_USER, record);
  if ('reason' in parsed) return parsed;
  const { pk, fields } = parsed.row;
  const { id = pk, date_joined, groups, user_permissions, ...others } = fields;
  return {
    row: {
      ...others,
      id: id ?? null,
      date_joined: date_joined ?? null,
      has_groups: Number(groups.length > 0 || user_permissions.length > 0),
    },
  };
}

/** @param isCustom whether its user is of a custom model */
export function parseTokenRecord(record: unknown, isCustom = false): Parsed<FixtureToken> {
  const parsed = parse(isCustom ? CUSTOM_FIXTURE_TOKEN : FIXTURE_TOKEN, record);
  if ('reason' in parsed) return parsed;
  const { pk, fields } = parsed.row;
  const { key = pk, user = fields.user_id, created } = fields;
  if (user === undefined) return { reason: 'user: missing' };
  return { row: { key: key ?? '', created: created ?? null, user } };
}

/** @param isCustom whether its user is of a custom model */
export function parseKnoxRecord(record: unknown, isCustom = false): Parsed<FixtureKnoxToken> {
  const parsed = parse(isCustom ? CUSTOM_FIXTURE_KNOX_TOKEN : FIXTURE_KNOX_TOKEN, record);
  if ('reason' in parsed) return parsed;
  const { pk, fields } = parsed.row;
  const { digest = pk, user = fields.user_id, created, expiry, token_key = '' } = fields;
  if (user === undefined) return { reason: 'user: missing' };
  const isOfKnox4 = 'salt' in fields || fields.token_key === undefined || isKeyOfKnox4(token_key);
  return {
    row: { digest: digest ?? '', created: created ?? null, user, expiry, token_key, isOfKnox4 },
  };
}

/** knox 5 looks for 15 characters, so it finds no row with the 8 that knox 4 has stored. */
export const isKeyOfKnox4 = (token_key: string): boolean =>
  token_key.length === KNOX_4_TOKEN_KEY_LENGTH;

/** @param row with its integers as bigints, as are those of a token's row */
export const parseUserRow = (row: unknown, limit: IdLimit): Parsed<UserRow> =>
  parse(USER_ROWS[limit], row);

export const parseTokenRow = (row: unknown, limit: IdLimit): Parsed<TokenRow> =>
  parse(TOKEN_ROWS[limit], row);

export const parseKnoxRow = (row: unknown, limit: IdLimit): Parsed<KnoxRow> =>
  parse(KNOX_ROWS[limit], row);

export const parseCustomUserRow = (row: unknown) => parse(CUSTOM_USER_ROW, row);

export const parseCustomTokenRow = (row: unknown) => parse(CUSTOM_TOKEN_ROW, row);

export const parseCustomKnoxRow = (row: unknown) => parse(CUSTOM_KNOX_ROW, row);

function parse<T>(schema: v.GenericSchema<unknown, T>, record: unknown): Parsed<T> {
  const { success, output, issues } = v.safeParse(schema, record, { abortEarly: true });
  if (success) return { row: output };
  const [issue] = issues;
  return { reason: `${v.getDotPath(issue)?.replace('fields.', '')}: ${reasonOf(issue)}` };
}

function reasonOf({ expected, received, message }: v.BaseIssue<unknown>): string {
  if (expected === 'never') return 'not a field of this model';
  if (received === 'undefined') return 'missing';
  return received === 'null' ? 'null, which it cannot be' : message;
}

/** A row of the database, as its schema describes it. */
type Row = Record<string, unknown>;

/**
 * A user as `dumpdata` writes it, without groups and permissions: `loaddata` does not change what is
 * not in a dump.
 */
export const toDumpedUser = (row: Row) => ({
  model: 'auth.user',
  pk: Number(row.id),
  fields: {
    password: String(row.password),
    last_login: row.last_login === null ? null : toDump(String(row.last_login)),
    is_superuser: row.is_superuser === 1,
    username: String(row.username),
    first_name: String(row.first_name),
    last_name: String(row.last_name),
    email: String(row.email),
    is_staff: row.is_staff === 1,
    is_active: row.is_active === 1,
    date_joined: toDump(String(row.date_joined)),
  },
});

/** A token as `dumpdata` writes it. */
export const toDumpedToken = (row: Row) => ({
  model: 'authtoken.token',
  pk: String(row.key),
  fields: { user: Number(row.user_id), created: toDump(String(row.created)) },
});

/** A token of knox as `dumpdata` writes it. */
export const toDumpedKnoxToken = (row: Row) => ({
  model: 'knox.authtoken',
  pk: String(row.digest),
  fields: {
    token_key: String(row.token_key),
    user: Number(row.user_id),
    created: toDump(String(row.created)),
    expiry: row.expiry === null ? null : toDump(String(row.expiry)),
  },
});
