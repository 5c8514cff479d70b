/**
 * Writes a Python script for Django's shell, which changes the users of a Django project to those
 * here. Counts the changes for the report. `loaddata` cannot do this. It replaces a user who has
 * the same id, sets fields that a fixture leaves out to their defaults, and stops at a changed token
 * (django/core/serializers/base.py, `DeserializedObject.save`).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Value } from '../store/operator/bulk.ts';
import {
  type Account,
  type Comparison,
  type KnoxChanges,
  type Login,
  moment,
  type SameUser,
  type UserHere,
} from './comparison.ts';
import { add, type Found, nobody } from './found.ts';
import { toMoment } from './records.ts';
import type { UserModel } from './user-model.ts';

type DjangoModel = Pick<UserModel, 'label' | 'fields'> & { login: Login };

type Options = {
  deletedUsers: DeletedUsers;
  /** Whether all users here are compared, so that who is missing was deleted. */
  isWhole: boolean;
};

/** How the script treats users in Django who were deleted here. */
export type DeletedUsers = 'keep' | 'deactivate' | 'delete';

/** Users and fields of each kind, counted while the script is written. */
export type Changes = ReturnType<typeof noChanges>;

export const noChanges = () => ({
  same: 0,
  updated: 0,
  /** How many users get another value, by field. */
  fields: new Map<string, number>(),
  tokensWritten: 0,
  tokensRemoved: 0,
  knoxTokensWritten: 0,
  knoxTokensRemoved: 0,
  knoxTokensRenewed: 0,
  created: 0,
  newIds: nobody(),
  deactivated: nobody(),
  keptRights: nobody(),
  usernameTaken: nobody(),
  loginTaken: nobody(),
  tokenTaken: nobody(),
  deletedHere: nobody(),
  othersInDjango: nobody(),
});

/** Columns that a user here can have changed. No user changes the username or the date. */
const TEXTS = ['password', 'first_name', 'last_name', 'email'];

const RIGHTS = ['is_active', 'is_staff', 'is_superuser'];

const DATETIMES = ['last_login', 'date_joined'];

type Token = readonly [key: string, created: Value];

/** Changes of tokens of knox in one line: about 200 kB. */
const KNOX_LENGTH = 1000;

type Knox = {
  write: (readonly [digest: string, token_key: string, created: string, expiry: string | null])[];
  remove: string[];
  renew: (readonly [digest: string, expiry: string])[];
};

/** A line of the script. See apply-changes.py. */
type Line = { kind: string; username: string } & {
  /** Of a user in Django, or for a user who is created, if it is free. */
  pk?: number | string;
  /** The id here of a user who is created. */
  id?: number | string;
  /** The login of a user in Django: the value of `USERNAME_FIELD`. */
  login?: string;
  fields?: Record<string, unknown>;
  token?: readonly [old: string | null, now: Token | null];
  knox?: Knox;
};

/**
 * The script, as pieces of text. Deletions come first, because they free addresses and names. New
 * users without an id come last, so that no other new user has the id that they get.
 *
 * @param changes is filled while the pieces are taken
 */
export function* djangoScript(
  comparison: Comparison,
  { label, fields, login }: DjangoModel,
  options: Options,
  changes: Changes,
): Generator<string> {
  yield readFileSync(join(import.meta.dirname, 'apply-changes.py'), 'utf8');
  yield "CHANGES = r'''\n";
  for (const line of lines(comparison, options, login, changes)) {
    yield `${asciiJson({ ...line, fields: renamed(line.fields, fields) })}\n`;
  }
  yield `'''\n\napply_changes(${asciiJson(label)}, io.StringIO(CHANGES.strip()))\n`;
}

/** Fields by Django's names of them. */
const renamed = (fields: Line['fields'], names: DjangoModel['fields']): Line['fields'] =>
  fields &&
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [names.get(name) ?? name, value]),
  );

function* lines(
  comparison: Comparison,
  { deletedUsers, isWhole }: Options,
  login: Login,
  changes: Changes,
): Generator<Line> {
  if (isWhole) {
    for (const user of comparison.deletedHere()) {
      const isGone = isOut(user) && !comparison.hasKnoxTokenInDjango(user.id);
      if (isGone && deletedUsers !== 'delete') continue;
      add(changes.deletedHere, user.username, ` (id ${user.id})`);
      if (deletedUsers !== 'keep') yield removal(user, deletedUsers);
    }
    for (const user of comparison.othersInDjango()) {
      add(changes.othersInDjango, user.username, ` (id ${user.id})`);
    }
  }
  for (const user of comparison.same()) {
    changes.same += 1;
    yield* update(user, login, changes);
  }
  for (const { here } of comparison.notInDjango('username-taken')) {
    named(changes.usernameTaken, here);
  }
  for (const user of comparison.notInDjango('free')) {
    yield* creation(user, { pk: user.here.id }, changes);
  }
  yield { kind: 'reset_sequence', username: '' };
  for (const user of comparison.notInDjango('id-taken')) {
    named(changes.newIds, user.here);
    yield* creation(user, {}, changes);
  }
}

/** Neither a password nor a token of DRF lets the user in. */
const isOut = (user: Account): boolean =>
  columnOf(user, 'is_active') === 0 && user.token === undefined;

const named = (found: Found, { username, id }: Account): void =>
  add(found, username, ` (id ${id})`);

function removal(user: Account, kind: 'deactivate' | 'delete'): Line {
  return {
    kind,
    pk: user.id,
    username: user.username,
    login: user.username,
    fields: fieldsOf(user, ['date_joined']),
    ...(user.token && { token: [user.token.key, null] }),
  };
}

function* creation(
  { here, isTokenTaken, knox }: UserHere,
  id: Pick<Line, 'pk'>,
  changes: Changes,
): Generator<Line> {
  changes.created += 1;
  if (isTokenTaken || knox.isTaken) named(changes.tokenTaken, here);
  const token = here.token !== undefined && !isTokenTaken;
  if (token) changes.tokensWritten += 1;
  const line: Line = {
    ...id,
    kind: 'create',
    id: here.id,
    username: here.username,
    fields: fieldsOf(here, [...TEXTS, ...RIGHTS, ...DATETIMES]),
    ...(token && { token: [null, tokenOf(here)] }),
  };
  const pieces = knoxOf(knox, changes);
  yield* withKnox(line, nextOf(pieces), pieces);
}

/** No line if nothing is to be changed. */
function* update(user: SameUser, login: Login, changes: Changes): Generator<Line> {
  const { here, django } = user;
  const taken = [...TEXTS, ...RIGHTS, 'last_login'].filter((name) => takes(user, name));
  const hasOtherLogin = login === 'email' && taken.includes('email');
  if (hasOtherLogin && user.isLoginTaken) named(changes.loginTaken, here);
  const changed =
    hasOtherLogin && (user.isLoginTaken || columnOf(here, 'email') === '')
      ? taken.filter((name) => name !== 'email')
      : taken;
  const kept = RIGHTS.filter(
    (name) => !user.imported && differ(here, django, name) && !changed.includes(name),
  );
  if (kept.length > 0) add(changes.keptRights, here.username, ` (${kept.join(', ')})`);

  const token = takesToken(user) && !user.isTokenTaken;
  if ((takesToken(user) && user.isTokenTaken) || user.knox.isTaken) named(changes.tokenTaken, here);
  const pieces = knoxOf(user.knox, changes);
  const knox = nextOf(pieces);
  if (changed.length === 0 && !token && !knox) return;

  if (changed.length > 0) changes.updated += 1;
  if (changed.includes('is_active') && columnOf(here, 'is_active') === 0) {
    named(changes.deactivated, here);
  }
  for (const name of changed) changes.fields.set(name, (changes.fields.get(name) ?? 0) + 1);
  if (token) changes[here.token ? 'tokensWritten' : 'tokensRemoved'] += 1;
  const line: Line = {
    kind: 'update',
    pk: django.id,
    username: django.username,
    login: django.username,
    fields: Object.fromEntries(
      changed.map((name) => [name, [djangoValue(django, name), djangoValue(here, name)]]),
    ),
    ...(token && { token: [django.token?.key ?? null, tokenOf(here)] }),
  };
  yield* withKnox(line, knox, pieces);
}

/** The changes of a user's tokens of knox, in pieces for one line each. Counts them. */
function* knoxOf({ changes: all }: KnoxChanges, changes: Changes): Generator<Knox, undefined> {
  let piece: Knox = { write: [], remove: [], renew: [] };
  let length = 0;
  for (const change of all) {
    if (length === KNOX_LENGTH) {
      yield piece;
      piece = { write: [], remove: [], renew: [] };
      length = 0;
    }
    length += 1;
    if ('remove' in change) {
      changes.knoxTokensRemoved += 1;
      piece.remove.push(change.remove);
    } else if ('renew' in change) {
      changes.knoxTokensRenewed += 1;
      piece.renew.push([change.renew.digest, toMoment(change.renew.expiry)]);
    } else {
      const { digest, token_key, created, expiry } = change.write;
      changes.knoxTokensWritten += 1;
      const expires = expiry === null ? null : toMoment(expiry);
      piece.write.push([digest, token_key, toMoment(created), expires]);
    }
  }
  if (length > 0) yield piece;
  return undefined;
}

/** A line, with the first piece of the user's tokens of knox, and lines with the others. */
function* withKnox(line: Line, first: Knox | undefined, others: Iterable<Knox>): Generator<Line> {
  yield { ...line, ...(first && { knox: first }) };
  for (const knox of others) yield { kind: 'more_tokens', username: line.username, knox };
}

const nextOf = <T>(items: Iterator<T, undefined>): T | undefined => items.next().value;

/**
 * Whether Django takes the value from here. If it is known what was imported, a value that has not
 * changed here since is not changed there.
 */
function takes({ here, django, imported }: SameUser, name: string): boolean {
  if (!differ(here, django, name)) return false;
  // Never set back: both sides log users in.
  if (name === 'last_login') {
    return (moment(columnOf(here, name)) ?? 0) > (moment(columnOf(django, name)) ?? 0);
  }
  if (imported) return differ(here, imported, name);
  // Only one side has changed a right, and nothing says which. A user who is deactivated stays so.
  if (name === 'is_active') return columnOf(here, name) === 0;
  return !RIGHTS.includes(name);
}

/** A token that was hashed here lives on in Django as it is. */
function takesToken({ here, django, imported, knox }: SameUser): boolean {
  const key = here.token?.key;
  if (key === undefined && knox.isHashed) return false;
  return key !== django.token?.key && (!imported || key !== imported.token?.key);
}

const differ = (a: Account, b: Account, name: string): boolean =>
  DATETIMES.includes(name)
    ? moment(columnOf(a, name)) !== moment(columnOf(b, name))
    : columnOf(a, name) !== columnOf(b, name);

const columnOf = (user: Account, name: string): Value => user.values.get(name) ?? null;

const fieldsOf = (user: Account, names: string[]): Record<string, unknown> =>
  Object.fromEntries(names.map((name) => [name, djangoValue(user, name)]));

function djangoValue(user: Account, name: string): unknown {
  const value = columnOf(user, name);
  if (RIGHTS.includes(name)) return value === 1;
  return DATETIMES.includes(name) && typeof value === 'string' ? toMoment(value) : value;
}

const tokenOf = ({ token }: Account): Token | null =>
  token ? [token.key, toMoment(token.created)] : null;

/**
 * JSON in ASCII, which Python reads in any encoding. Without a quote, so that no value ends the text
 * that it stands in.
 */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^ -~]|'/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
