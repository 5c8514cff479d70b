/**
 * Accounts here and in Django, side by side: which are the same user, and what differs. In a private
 * database file as the staging's, so that memory does not grow with the accounts.
 */
import { DatabaseSync } from 'node:sqlite';
import { USER_COLUMNS, type Value } from '../store/operator/bulk.ts';
import { storedToken } from '../store/stored-token.ts';
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

/** A token of knox. `expiry` is null if it does not expire. */
export type KnoxToken = {
  digest: string;
  token_key: string;
  created: string;
  expiry: string | null;
};

/** One change of Django's tokens of knox: `remove` has the digest of a token that was revoked here. */
export type KnoxChange =
  | { write: KnoxToken }
  | { remove: string }
  | { renew: { digest: string; expiry: string } };

/** Changes of a user's tokens of knox in Django. */
export type KnoxChanges = {
  /** Read before the next user. */
  changes: Iterable<KnoxChange>;
  /** Whether one of the tokens here belongs to another user in Django. */
  isTaken: boolean;
  /** Whether the user's token of DRF in Django is one of those here: `hash_tokens` has hashed it. */
  isHashed: boolean;
};

/** A user here, who may be in Django. */
export type UserHere = {
  here: Account;
  /** Whether a token here belongs to another user in Django. */
  isTokenTaken: boolean;
  knox: KnoxChanges;
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
const IS_SAME = `(a.joined = b.joined OR a.key = b.key OR EXISTS (
  SELECT 1 FROM a_knox JOIN b_knox USING (digest) WHERE a_knox.user_id = a.id AND b_knox.user_id = b.id))`;

const MATCHES: Record<MatchBy, string[]> = {
  identity: [
    `a.id = b.id AND ${IS_SAME}`,
    `b.username IN (a.username, a.login) AND ${IS_SAME}`,
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
  CREATE INDEX ${side}_key ON ${side} (key);
  CREATE TABLE ${side}_knox (digest PRIMARY KEY, user_id, token_key, created, expiry, expires, is_plain);
  CREATE INDEX ${side}_knox_user_id ON ${side}_knox (user_id);`;

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

/** An expired token is not accepted, and Django removes it. */
const IS_LIVE = '(token.expires IS NULL OR token.expires > :now)';

/** Tokens here that neither Django nor the import has: one that Django lacks was revoked there. */
const KNOX_TO_WRITE = `
  SELECT digest, token_key, created, expiry FROM here_knox AS token
  WHERE user_id = :here AND ${IS_LIVE}
    AND NOT EXISTS (SELECT 1 FROM django_knox WHERE digest = token.digest)
    AND NOT EXISTS (SELECT 1 FROM imported_knox WHERE digest = token.digest) ORDER BY digest`;

/** If it is known what was imported, a token that Django has created since then stays. */
const KNOX_TO_REMOVE = `
  SELECT digest FROM django_knox AS token
  WHERE user_id = :django AND ${IS_LIVE} AND NOT is_plain
    AND NOT EXISTS (SELECT 1 FROM here_knox WHERE digest = token.digest)
    AND (:imported IS NULL OR EXISTS (SELECT 1 FROM imported_knox WHERE digest = token.digest))
  ORDER BY digest`;

const KNOX_TO_RENEW = `
  SELECT token.digest, token.expiry FROM here_knox AS token JOIN django_knox AS other USING (digest)
  WHERE token.user_id = :here AND other.user_id = :django AND token.expires > other.expires
  ORDER BY token.digest`;

const KNOX_IN_DJANGO = `
  SELECT coalesce(max(other.user_id IS NOT :django), 0) AS is_taken,
    coalesce(max(other.user_id IS :django AND other.is_plain), 0) AS is_hashed
  FROM here_knox AS token JOIN django_knox AS other USING (digest) WHERE token.user_id = :here`;

/** @param now the moment at which tokens count as expired */
export function createComparison(now = new Date()) {
  const db = new DatabaseSync('');
  db.exec(TABLES);
  const selectToWrite = db.prepare(KNOX_TO_WRITE);
  const selectToRemove = db.prepare(KNOX_TO_REMOVE);
  const selectToRenew = db.prepare(KNOX_TO_RENEW);
  const selectOwner = db.prepare(
    'SELECT 1 FROM django_knox WHERE user_id = ? AND NOT is_plain LIMIT 1',
  );
  const selectInDjango = db.prepare(KNOX_IN_DJANGO);

  function match(table: string, [a, b]: [Side, Side], matchBy: MatchBy): void {
    const [aId, bId] = [`${a}_id`, `${b}_id`];
    for (const rule of MATCHES[matchBy]) {
      const on = rule.replaceAll('a_knox', `${a}_knox`).replaceAll('b_knox', `${b}_knox`);
      db.exec(`INSERT OR IGNORE INTO ${table} SELECT a.id, b.id FROM ${a} AS a JOIN ${b} AS b ON ${on}
        WHERE a.id NOT IN (SELECT ${aId} FROM ${table}) AND b.id NOT IN (SELECT ${bId} FROM ${table})
        ORDER BY a.id`);
    }
  }

  const count = (sql: string): number =>
    Number(db.prepare(`SELECT count(*) AS n FROM ${sql}`).get()?.n);

  const insertKnoxToken = (side: Side) =>
    db.prepare(
      `INSERT OR IGNORE INTO ${side}_knox
       VALUES (:digest, :user_id, :token_key, :created, :expiry, :expires, :is_plain)`,
    );

  /** Hashes the tokens of a side, in which those of users here may have been hashed. */
  function hashTokens(side: Side): void {
    const insert = insertKnoxToken(side);
    for (const { id, key, created } of db
      .prepare(`SELECT id, key, created FROM ${side} WHERE key IS NOT NULL`)
      .iterate()) {
      insert.run({
        ...storedToken(String(key)),
        user_id: toValue(id),
        created: toValue(created),
        expiry: null,
        expires: null,
        is_plain: 1,
      });
    }
  }

  const hasKnoxTokens = (): boolean => count('here_knox') + count('django_knox') > 0;

  /** @param ids of the same user. A user who is only here has no other ids */
  function knoxChanges(ids: { here: Value; django: Value; imported: Value }): KnoxChanges {
    const { here, django, imported } = ids;
    const inDjango = selectInDjango.get({ here, django });
    return {
      changes: eachKnoxChange(here, django, imported),
      isTaken: inDjango?.is_taken === 1,
      isHashed: inDjango?.is_hashed === 1,
    };
  }

  function* eachKnoxChange(here: Value, django: Value, imported: Value): Generator<KnoxChange> {
    const at = now.getTime();
    for (const { digest } of selectToRemove.iterate({ django, imported, now: at })) {
      yield { remove: String(digest) };
    }
    for (const { digest, expiry } of selectToRenew.iterate({ here, django })) {
      yield { renew: { digest: String(digest), expiry: String(expiry) } };
    }
    for (const row of selectToWrite.iterate({ here, now: at })) {
      yield {
        write: {
          digest: String(row.digest),
          token_key: String(row.token_key),
          created: String(row.created),
          expiry: row.expiry === null ? null : String(row.expiry),
        },
      };
    }
  }

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
      const insertKnox = insertKnoxToken(side);
      for (const token of staging.knoxTokens()) {
        insertKnox.run({ ...token, expires: moment(toValue(token.expiry)), is_plain: 0 });
      }
      const setUuids = [
        `UPDATE ${side} SET id = :uuid WHERE id = :id`,
        `UPDATE ${side}_knox SET user_id = :uuid WHERE user_id = :id`,
      ].map((sql) => db.prepare(sql));
      for (const user of staging.uuids()) for (const setUuid of setUuids) setUuid.run(user);
    },

    /** Leaves out the users here of other names. @returns the names that no user here has */
    keep: (usernames: string[]): string[] => keepUsernames(db, 'here', usernames),

    hasKnoxTokens,

    match(matchBy: MatchBy): void {
      if (count('here_knox') > 0)
        for (const side of ['django', 'imported'] as const) hashTokens(side);
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
      const hasKnox = hasKnoxTokens();
      for (const row of query.iterate()) {
        const ids = {
          here: toValue(row.here_id),
          django: toValue(row.django_id),
          imported: toValue(row.imported_id),
        };
        yield {
          here: accountOf(row, 'here'),
          django: accountOf(row, 'django'),
          imported: row.imported_id === null ? undefined : accountOf(row, 'imported'),
          isTokenTaken: row.is_token_taken === 1,
          isLoginTaken: row.is_login_taken === 1,
          knox: hasKnox ? knoxChanges(ids) : NO_KNOX_CHANGES,
        };
      }
    },

    *notInDjango(place: Place): Generator<UserHere> {
      const query = db.prepare(`
        SELECT ${prefixed('here')}, EXISTS (SELECT 1 FROM django WHERE key = here.key) AS is_token_taken
        FROM here WHERE ${NOT_IN_DJANGO} AND ${PLACE} = ? ORDER BY id`);
      const hasKnox = hasKnoxTokens();
      for (const row of query.iterate(place)) {
        const ids = { here: toValue(row.here_id), django: null, imported: null };
        yield {
          here: accountOf(row, 'here'),
          isTokenTaken: row.is_token_taken === 1,
          knox: hasKnox ? knoxChanges(ids) : NO_KNOX_CHANGES,
        };
      }
    },

    /** Users of Django who were imported and deleted here. */
    deletedHere: () => onlyInDjango(DELETED),

    /** Whether a user of Django has a token of knox there. */
    hasKnoxTokenInDjango: (id: number | string): boolean => selectOwner.get(id) !== undefined,

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

const NO_KNOX_CHANGES: KnoxChanges = { changes: [], isTaken: false, isHashed: false };

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
