/**
 * Users and tokens as Django writes them down, and as its tables hold them: dumps spell booleans and
 * datetimes in JSON's way, SQLite in integers and text. No I/O.
 *
 * What a record may hold is what Django's columns may (django/contrib/auth/models.py,
 * rest_framework/authtoken/models.py). Whether a username is a pretty one is not asked: it exists.
 */
import * as v from 'valibot';
import { djangoDatetime } from '../django-datetime.ts';

/** A row of `auth_user`, as SQLite has it. */
export type UserRow = {
  id: number;
  password: string;
  last_login: string | null;
  is_superuser: number;
  username: string;
  last_name: string;
  email: string;
  is_staff: number;
  is_active: number;
  date_joined: string;
  first_name: string;
};

/** A row of `authtoken_token`, as SQLite has it. */
export type TokenRow = { key: string; created: string; user_id: number };

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

const nonEmpty = (length: number) => v.pipe(text(length), v.nonEmpty('blank'));

const id = v.pipe(v.number('not a whole number'), v.safeInteger('not a whole number'));

const primaryKey = v.pipe(id, v.minValue(1, 'below 1'));

/** Date, time, fraction, zone. */
const ISO_8601 = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})?$/;

const NOT_A_DATETIME = 'not a datetime';

const datetime = v.pipe(v.string(NOT_A_DATETIME), v.regex(ISO_8601, NOT_A_DATETIME));

/** `2019-06-01T12:30:45.123Z` → `2019-06-01 12:30:45.123000`, undefined where there is no such moment. */
function fromDump(value: string): string | undefined {
  const [, date = '', time, fraction, zone = 'Z'] = ISO_8601.exec(value) ?? [];
  const local = new Date(`${date}T${time}Z`);
  // V8 takes February 30th for March 1st.
  if (local.getUTCDate() !== Number(date.slice('YYYY-MM-'.length))) return undefined;
  const seconds =
    zone === 'Z' ? `${date} ${time}` : djangoDatetime(new Date(`${date}T${time}${zone}`));
  // A fraction of zero stays one: it says that the dump has cut off microseconds, so that an export
  // is equal to what was imported.
  return fraction === undefined ? seconds : seconds + fraction.padEnd('.ffffff'.length, '0');
}

/** What `DjangoJSONEncoder` makes of a moment: milliseconds, cut and not rounded, and `Z`. */
export function toDump(value: string): string {
  const [seconds, fraction] = value.replace(' ', 'T').split('.');
  return fraction === undefined ? `${seconds}Z` : `${seconds}.${fraction.slice(0, 3)}Z`;
}

const dumpDatetime = v.pipe(
  datetime,
  v.rawTransform<string, string>(({ dataset, addIssue, NEVER }) => {
    const row = fromDump(dataset.value);
    if (row !== undefined) return row;
    addIssue({ message: NOT_A_DATETIME });
    return NEVER;
  }),
);

const dumpBoolean = v.pipe(v.boolean('neither true nor false'), v.transform(Number));

/** Kept to the character: what is text in Django's file is the same text in ours. */
const rowDatetime = v.pipe(
  datetime,
  v.check((value) => value.charAt(10) === ' ' && fromDump(value) !== undefined, NOT_A_DATETIME),
);

const rowBoolean = v.picklist([0, 1], 'neither 0 nor 1');

const userFields = <
  B extends v.GenericSchema<unknown, number>,
  D extends v.GenericSchema<unknown, string>,
>(
  boolean: B,
  moment: D,
) => ({
  password: text(128),
  last_login: v.nullable(moment),
  is_superuser: boolean,
  username: nonEmpty(150),
  last_name: text(150),
  email: text(254),
  is_staff: boolean,
  is_active: boolean,
  date_joined: moment,
  first_name: text(150),
});

const NATURAL_USER = 'not a number (dump without --natural-foreign)';
const NO_PRIMARY_KEY = 'not a number (dump without --natural-primary)';

/** `auth.user` of a dump. Groups and permissions stay Django's: their tables are not ours. */
const DumpedUser = v.object({
  pk: v.pipe(v.number(NO_PRIMARY_KEY), primaryKey),
  fields: v.strictObject({
    ...userFields(dumpBoolean, dumpDatetime),
    groups: v.optional(v.array(v.unknown(), 'not a list'), []),
    user_permissions: v.optional(v.array(v.unknown(), 'not a list'), []),
  }),
});

/** `authtoken.token` of a dump. */
const DumpedToken = v.object({
  pk: nonEmpty(40),
  fields: v.strictObject({
    user: v.pipe(v.number(NATURAL_USER), id),
    created: dumpDatetime,
  }),
});

const RowOfUser = v.object({ id: primaryKey, ...userFields(rowBoolean, rowDatetime) });

const RowOfToken = v.object({ key: nonEmpty(40), created: rowDatetime, user_id: id });

/** What a record holds, or what is wrong with it: the field and the reason, never the value. */
export type Parsed<T> = { row: T } | { reason: string };

export function parseDumpedUser(record: unknown): Parsed<UserRow> & { hasGroups?: boolean } {
  const parsed = parse(DumpedUser, record);
  if ('reason' in parsed) return parsed;
  const { groups, user_permissions, ...fields } = parsed.row.fields;
  return {
    row: { id: parsed.row.pk, ...fields },
    hasGroups: groups.length > 0 || user_permissions.length > 0,
  };
}

export function parseDumpedToken(record: unknown): Parsed<TokenRow> {
  const parsed = parse(DumpedToken, record);
  if ('reason' in parsed) return parsed;
  const { pk, fields } = parsed.row;
  return { row: { key: pk, created: fields.created, user_id: fields.user } };
}

export const parseUserRow = (row: unknown): Parsed<UserRow> => parse(RowOfUser, row);

export const parseTokenRow = (row: unknown): Parsed<TokenRow> => parse(RowOfToken, row);

function parse<T>(schema: v.GenericSchema<unknown, T>, record: unknown): Parsed<T> {
  const { success, output, issues } = v.safeParse(schema, record, { abortEarly: true });
  if (success) return { row: output };
  const [issue] = issues;
  return { reason: `${v.getDotPath(issue)?.replace('fields.', '')}: ${reasonOf(issue)}` };
}

function reasonOf({ expected, received, message }: v.BaseIssue<unknown>): string {
  if (expected === 'never') return 'not a field of this model';
  return received === 'undefined' ? 'missing' : message;
}

/** A user as `dumpdata` writes it, but for groups and permissions: what is not in a dump, `loaddata` leaves alone. */
export const toDumpedUser = (user: UserRow) => ({
  model: 'auth.user',
  pk: user.id,
  fields: {
    password: user.password,
    last_login: user.last_login === null ? null : toDump(user.last_login),
    is_superuser: user.is_superuser === 1,
    username: user.username,
    first_name: user.first_name,
    last_name: user.last_name,
    email: user.email,
    is_staff: user.is_staff === 1,
    is_active: user.is_active === 1,
    date_joined: toDump(user.date_joined),
  },
});

/** A token as `dumpdata` writes it. */
export const toDumpedToken = (token: TokenRow) => ({
  model: 'authtoken.token',
  pk: token.key,
  fields: { user: token.user_id, created: toDump(token.created) },
});

/** A row of `auth_user` as a query answers it. */
export const userRow = (row: Record<string, unknown>): UserRow => ({
  id: Number(row.id),
  password: String(row.password),
  last_login: row.last_login === null ? null : String(row.last_login),
  is_superuser: Number(row.is_superuser),
  username: String(row.username),
  last_name: String(row.last_name),
  email: String(row.email),
  is_staff: Number(row.is_staff),
  is_active: Number(row.is_active),
  date_joined: String(row.date_joined),
  first_name: String(row.first_name),
});

/** A row of `authtoken_token` as a query answers it. */
export const tokenRow = (row: Record<string, unknown>): TokenRow => ({
  key: String(row.key),
  created: String(row.created),
  user_id: Number(row.user_id),
});
