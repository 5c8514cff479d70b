/**
 * Accounts here and in Django, side by side: which are the same user, and what differs. In a private
 * database file as the staging's, so that memory does not grow with the accounts.
 */
import { DatabaseSync } from 'node:sqlite';
import { USER_COLUMNS, type Value } from '../store/operator/bulk.ts';
import { toMoment } from './records.ts';
import { keepUsernames, type Staging } from './staging.ts';

export type Comparison = ReturnType<typeof createComparison>;

/** A user with its token. */
export type Account = {
  /** A UUID if Django numbers its users so. It is never the same as an id here. */
  id: number | string;
  username: string;
  /** The value that the user logs in to Django with: a username or an address. */
  login: string;
  /** By the name of the column; `last_login` as Django has it. */
  values: ReadonlyMap<string, Value>;
  token: { key: string; created: string } | undefined;
};

/** A user here, who may be in Django. */
export type UserHere = {
  here: Account;
  /** Whether the token here belongs to another user in Django. */
  isTokenTaken: boolean;
};

/** A user on both sides. */
export type SameUser = UserHere & {
  django: Account;
  /** As it was imported. Undefined if that is not known. */
  imported: Account | undefined;
  /** Whether another user in Django has the login. */
  isLoginTaken: boolean;
};

/** `imported`: the users who were imported here before, as they were then. */
export type Side = 'here' | 'django' | 'imported';

/** The column that Django's `USERNAME_FIELD` is taken from. Without an address it is the username. */
export type Login = 'username' | 'email';

/** How to find the user of Django that a user is. See `MATCHES`. */
export type MatchBy = 'identity' | 'id' | 'username';

/**
 * How a user who is not in Django can be created there:
 * - `free` nothing is in the way
 * - `id-taken` another user has the id
 * - `username-taken` another user has the username: it cannot be created
 */
export type Place = 'free' | 'id-taken' | 'username-taken';

/**
 * Users of `a` and `b` that are the same, by one rule after the other. Each user is at most one user
 * of the other side.
 *
 * Both sides number their users, so an id can belong to two people, and so can a username. The moment
 * of registration is never changed, and a token is random. One of these two must be the same, and the
 * id or the username with it. A moment is compared to the millisecond: a dump cuts off the rest.
 */
const MATCHES: Record<MatchBy, string[]> = {
  identity: [
    'a.id = b.id AND (a.joined = b.joined OR a.key = b.key)',
    'b.username IN (a.username, a.login) AND (a.joined = b.joined OR a.key = b.key)',
    // A model without a moment of registration.
    `b.joined IS NULL AND (a.id = b.id OR typeof(b.id) = 'text') AND a.username = b.username
     AND a.email = b.email`,
  ],
  id: ['a.id = b.id'],
  username: ['b.username IN (a.username, a.login)'],
};

const COLUMNS = ['login', 'joined', 'key', 'created', ...USER_COLUMNS];

const tableOf = (side: Side) => `
  CREATE TABLE ${side} (${COLUMNS.map((name) => `"${name}"`).join(', ')}, PRIMARY KEY (id));
  CREATE INDEX ${side}_username ON ${side} (username);
  CREATE INDEX ${side}_login ON ${side} (login);
  CREATE INDEX ${side}_key ON ${side} (key);`;

const TABLES = `
  ${tableOf('here')} ${tableOf('django')} ${tableOf('imported')}
  CREATE TABLE same (here_id PRIMARY KEY, django_id UNIQUE);
  CREATE TABLE known (here_id PRIMARY KEY, imported_id UNIQUE);
  CREATE TABLE gone (django_id PRIMARY KEY, imported_id UNIQUE);
  BEGIN`;

const PLACE = `CASE
  WHEN EXISTS (SELECT 1 FROM django WHERE username = here.login)
    OR EXISTS (SELECT 1 FROM here AS other WHERE other.login = here.login AND other.id < here.id)
    THEN 'username-taken'
  WHEN EXISTS (SELECT 1 FROM django WHERE id = here.id) THEN 'id-taken'
  ELSE 'free' END`;

const NOT_HERE = 'id NOT IN (SELECT django_id FROM same)';
const NOT_IN_DJANGO = 'id NOT IN (SELECT here_id FROM same)';

/**
 * A user who was imported and is not here. If another user here has the id, it was left out of the
 * import: no id is given twice here. If another has the username, it may have been left out.
 */
const DELETED = `id IN (SELECT django_id FROM gone)
  AND NOT EXISTS (SELECT 1 FROM here WHERE here.id = django.id OR here.username = django.username)`;

export function createComparison() {
  const db = new DatabaseSync('');
  db.exec(TABLES);

  function match(table: string, [a, b]: [Side, Side], matchBy: MatchBy): void {
    const [aId, bId] = [`${a}_id`, `${b}_id`];
    for (const rule of MATCHES[matchBy]) {
      db.exec(`INSERT OR IGNORE INTO ${table} SELECT a.id, b.id FROM ${a} AS a JOIN ${b} AS b ON ${rule}
        WHERE a.id NOT IN (SELECT ${aId} FROM ${table}) AND b.id NOT IN (SELECT ${bId} FROM ${table})
        ORDER BY a.id`);
    }
  }

  const count = (sql: string): number =>
    Number(db.prepare(`SELECT count(*) AS n FROM ${sql}`).get()?.n);

  return {
    /**
     * Takes the accounts of a staging.
     *
     * @param login the column that a user of this side logs in to Django with
     */
    add(side: Side, staging: Staging, login: Login = 'username'): void {
      const names = ['login', 'joined', ...USER_COLUMNS];
      const insert = db.prepare(
        `INSERT INTO ${side} (${names.join(', ')}) VALUES (${names.map((name) => `:${name}`).join(', ')})`,
      );
      const setToken = db.prepare(
        `UPDATE ${side} SET key = :key, created = :created WHERE id = :user_id`,
      );
      for (const user of staging.users()) {
        insert.run({
          ...user,
          login: toValue(user[login]) || toValue(user.username),
          joined: moment(toValue(user.date_joined)),
        });
      }
      for (const token of staging.tokens()) setToken.run(token);
      const setUuid = db.prepare(`UPDATE ${side} SET id = :uuid WHERE id = :id`);
      for (const user of staging.uuids()) setUuid.run(user);
    },

    /** Leaves out the users here of other names. @returns the names that no user here has */
    keep: (usernames: string[]): string[] => keepUsernames(db, 'here', usernames),

    match(matchBy: MatchBy): void {
      match('same', ['here', 'django'], matchBy);
      match('known', ['here', 'imported'], 'identity');
      match('gone', ['django', 'imported'], 'identity');
    },

    countSame: () => count('same'),

    /** Each user who is on both sides, and as it was imported. In the order of ids, as all that follow. */
    *same(): Generator<SameUser> {
      const query = db.prepare(`
        SELECT ${prefixed('here')}, ${prefixed('django')}, ${prefixed('imported')},
          EXISTS (SELECT 1 FROM django AS other WHERE other.key = here.key AND other.id <> django.id)
            AS is_token_taken,
          EXISTS (SELECT 1 FROM django AS other WHERE other.username = here.login AND other.id <> django.id)
            AS is_login_taken
        FROM same JOIN here ON here.id = here_id JOIN django ON django.id = django_id
        LEFT JOIN known USING (here_id) LEFT JOIN imported ON imported.id = imported_id
        ORDER BY here.id`);
      for (const row of query.iterate()) {
        yield {
          here: accountOf(row, 'here'),
          django: accountOf(row, 'django'),
          imported: row.imported_id === null ? undefined : accountOf(row, 'imported'),
          isTokenTaken: row.is_token_taken === 1,
          isLoginTaken: row.is_login_taken === 1,
        };
      }
    },

    *notInDjango(place: Place): Generator<UserHere> {
      const query = db.prepare(`
        SELECT ${prefixed('here')}, EXISTS (SELECT 1 FROM django WHERE key = here.key) AS is_token_taken
        FROM here WHERE ${NOT_IN_DJANGO} AND ${PLACE} = ? ORDER BY id`);
      for (const row of query.iterate(place)) {
        yield { here: accountOf(row, 'here'), isTokenTaken: row.is_token_taken === 1 };
      }
    },

    /** Users of Django who were imported and deleted here. */
    deletedHere: () => onlyInDjango(DELETED),

    /** The others who are in Django only: registered there, or deleted here if `imported` is empty. */
    othersInDjango: () => onlyInDjango(`NOT (${DELETED})`),

    close: () => db.close(),
  };

  function* onlyInDjango(condition: string): Generator<Account> {
    const query = db.prepare(
      `SELECT ${prefixed('django')} FROM django WHERE ${NOT_HERE} AND ${condition} ORDER BY id`,
    );
    for (const row of query.iterate()) yield accountOf(row, 'django');
  }
}

const prefixed = (side: Side): string =>
  COLUMNS.map((name) => `${side}."${name}" AS ${side}_${name}`).join(', ');

function accountOf(row: Record<string, unknown>, side: Side): Account {
  const key = row[`${side}_key`];
  return {
    id: idOf(row[`${side}_id`]),
    username: String(row[`${side}_username`]),
    login: String(row[`${side}_login`]),
    values: new Map(USER_COLUMNS.map((name) => [name, toValue(row[`${side}_${name}`])])),
    token: typeof key === 'string' ? { key, created: String(row[`${side}_created`]) } : undefined,
  };
}

const idOf = (id: unknown): number | string => (typeof id === 'string' ? id : Number(id));

const toValue = (value: unknown): Value =>
  typeof value === 'string' || typeof value === 'number' ? value : null;

/** A datetime of a row in milliseconds; null if there is none. */
export function moment(datetime: Value): number | null {
  return typeof datetime === 'string' ? Date.parse(toMoment(datetime)) : null;
}
