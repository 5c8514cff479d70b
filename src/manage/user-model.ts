/**
 * The user model of a Django project: `auth.User`, or a model of its own (`AUTH_USER_MODEL`). The
 * fields that our `auth_user` has are taken; the others stay in Django. No I/O.
 */
import { USER_COLUMNS } from '../store/operator/bulk.ts';
import { CommandError } from './command-error.ts';

export type UserModel = {
  /** In lower case, as `Model._meta.label_lower`: `users.user`. */
  label: string;
  /** The table in a database: `users_user`, or another name by `Meta.db_table`. */
  table: string;
  /** The model's names of our columns, as far as they differ. */
  fields: ReadonlyMap<string, string>;
  /** Whether the operator named the model. */
  isNamed: boolean;
};

export const AUTH_USER: UserModel = {
  label: 'auth.user',
  table: 'auth_user',
  fields: new Map(),
  isNamed: false,
};

/** Lists of the model `PermissionsMixin`, which stay in Django. */
const LISTS = ['groups', 'user_permissions'];

/** Our columns that an operator may map. Ids and passwords have the same names in every model. */
const MAPPABLE = USER_COLUMNS.filter((column) => column !== 'id' && column !== 'password');

/** Fields of Django's `AbstractBaseUser`, by which a user model is recognised. */
export const BASE_USER_FIELDS = ['password', 'last_login'];

export type UserModelOptions = {
  /** `APP.MODEL`. */
  userModel?: string;
  /** The model's table, if it is not `app_model`. */
  userTable?: string;
  /** `OUR_FIELD=THEIR_FIELD`, each. */
  map?: string[];
};

/**
 * @throws CommandError for a malformed option
 */
export function parseUserModel({ userModel, userTable, map = [] }: UserModelOptions): UserModel {
  const label = (userModel ?? AUTH_USER.label).toLowerCase();
  if (!/^\w+\.\w+$/.test(label)) {
    throw new CommandError(`--user-model ${userModel}: expected APP.MODEL, such as users.User`);
  }
  if (map.length > 0 && label === AUTH_USER.label) {
    throw new CommandError('--map needs --user-model: the fields of auth.User have the same names');
  }
  const fields = new Map<string, string>();
  for (const pair of map) {
    const [, ours = '', theirs = ''] = /^(\w+)=(\w+)$/.exec(pair) ?? [];
    if (!MAPPABLE.includes(ours)) {
      throw new CommandError(
        `--map ${pair}: expected FIELD=THEIRS, where FIELD is one of ${MAPPABLE.join(', ')}`,
      );
    }
    fields.set(ours, theirs);
  }
  const table = userTable ?? label.replace('.', '_');
  return { label, table, fields, isNamed: userModel !== undefined };
}

/**
 * The model's name of each of our columns that it has. A model without `username` logs in by `email`,
 * unless the operator names another field.
 *
 * @param names all fields of the model
 * @throws CommandError if a mapped field is missing, or no field is the username
 */
export function sourcesOf(model: UserModel, names: ReadonlySet<string>): Map<string, string> {
  const sources = new Map<string, string>();
  for (const column of USER_COLUMNS) {
    const mapped = model.fields.get(column);
    const name = mapped ?? column;
    if (names.has(name)) sources.set(column, name);
    else if (mapped !== undefined) {
      throw new CommandError(`--map ${column}=${mapped}: ${model.label} has no field ${mapped}`);
    }
  }
  if (model.label !== AUTH_USER.label && !sources.has('username')) {
    if (!names.has('email')) {
      throw new CommandError(
        `${model.label} has neither username nor email: name the field that users log in with, by --map username=FIELD`,
      );
    }
    sources.set('username', 'email');
  }
  return sources;
}

/** Fields of a user that are not imported, and how many users have a value in each. */
export type Dropped = Map<string, number>;

/** Whether a field has a value. `false` and 0 are values. */
const hasValue = (value: unknown): boolean =>
  value !== null &&
  value !== undefined &&
  value !== '' &&
  !(Array.isArray(value) && value.length === 0);

type Fields = Record<string, unknown>;

/**
 * Returns a function that takes the fields of a record under our names. Records of one model have the
 * same fields. So their names are looked up only if they are not those of the record before.
 *
 * @param dropped counts the other fields
 * @returns a function that throws a CommandError as `sourcesOf`
 */
export function createFieldTaker(model: UserModel, dropped: Dropped): (fields: Fields) => Fields {
  let names: string[] | undefined;
  let taken: (readonly [column: string, name: string])[] = [];
  let others: string[] = [];
  const lookUp = (found: string[]) => {
    const sources = sourcesOf(model, new Set(found));
    const lists = LISTS.filter((name) => found.includes(name));
    taken = [...sources, ...lists.map((name) => [name, name] as const)];
    const read = new Set([...sources.values(), ...LISTS]);
    others = found.filter((name) => !read.has(name));
    names = found;
  };
  return (fields) => {
    const found = Object.keys(fields);
    if (found.length !== names?.length || found.some((name, i) => name !== names?.[i])) {
      lookUp(found);
    }
    for (const name of others) if (hasValue(fields[name])) addDropped(dropped, name, 1);
    return Object.fromEntries(taken.map(([column, name]) => [column, fields[name]]));
  };
}

export function addDropped(dropped: Dropped, name: string, users: number): void {
  if (users > 0) dropped.set(name, (dropped.get(name) ?? 0) + users);
}
