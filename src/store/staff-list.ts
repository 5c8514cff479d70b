/**
 * The list of users for staff. A query reads a bounded number of rows, however many users there are: it
 * follows one index, and looks at `SCAN_LENGTH` users or fewer. A page is continued by the last key
 * that was looked at (keyset), never by an offset.
 */
import { runRead } from './d1-errors.ts';
import { exactId } from './exact-id.ts';
import { LAST_CHARACTER } from './users.ts';

/** Users in one page. */
export const PAGE_LENGTH = 50;

/** Users that one query looks at. If a filter leaves out most of them, a page has fewer users. */
export const SCAN_LENGTH = 2000;

type Filter = {
  condition: string;
  /** An index of only these users, newest first. Its condition is the same text. */
  index?: string;
  /** A further condition, which the index does not have. */
  rest?: string;
};

const FILTERS = {
  active: { condition: 'is_active' },
  inactive: { condition: 'NOT is_active', index: 'auth_user_inactive' },
  staff: { condition: 'is_staff', index: 'auth_user_staff' },
  superuser: { condition: 'is_superuser', index: 'auth_user_superuser' },
  unusable_password: {
    condition: `substr(password, 1, 1) = '!'`,
    index: 'auth_user_unusable_password',
  },
  // Those that an activation link would activate (auth/activation.ts).
  unverified: {
    condition: 'NOT is_active AND last_login IS NULL',
    index: 'auth_user_unverified',
    rest: 'NOT EXISTS (SELECT 1 FROM authtoken_token WHERE user_id = auth_user.id)',
  },
} as const satisfies Record<string, Filter>;

export type UserFilter = keyof typeof FILTERS;

export const USER_FILTERS = Object.keys(FILTERS);

export const isUserFilter = (name: string): name is UserFilter => Object.hasOwn(FILTERS, name);

/** The indexes of the lists, which Django does not have. */
export const STAFF_INDEXES: string[] = Object.values(FILTERS).flatMap((filter) =>
  'index' in filter ? [filter.index] : [],
);

export type UserSearch = {
  /** The start of a username or of an address. An address is found in any case of ASCII letters. */
  search: string;
  by: 'username' | 'email';
  filter: UserFilter | undefined;
  /** The key after which the page starts; undefined or invalid for the first page. */
  after: string | undefined;
};

/** The columns of a user that staff sees, without the password. */
const COLUMNS = `auth_user.id, username, first_name, last_name, email, is_active, is_staff, is_superuser,
  date_joined, last_login, substr(password, 1, 1) <> '!' AS has_usable_password`;

type Row = {
  id: number;
  username: string;
  first_name: string;
  last_name: string;
  email: string;
  is_active: number;
  is_staff: number;
  is_superuser: number;
  date_joined: string;
  last_login: string | null;
  has_usable_password: number;
};

const toStaffUser = (row: Row) => ({
  ...row,
  id: exactId(row.id),
  is_active: Boolean(row.is_active),
  is_staff: Boolean(row.is_staff),
  is_superuser: Boolean(row.is_superuser),
  has_usable_password: Boolean(row.has_usable_password),
});

/** The users of a page are read in the order of one index, from a key on. */
type Source = {
  from: string;
  where: string;
  order: string;
  values: (string | number)[];
  /** A further condition on a user. */
  rest: string | undefined;
  keyOf: (user: Pick<Row, 'id' | 'username' | 'email'>) => string;
};

function sourceOf({ search, by, filter, after }: UserSearch): Source {
  const { condition, index, rest }: Partial<Filter> = filter ? FILTERS[filter] : {};
  if (search !== '') {
    const all = [condition, rest].filter((each) => each !== undefined).join(' AND ');
    const ordered = by === 'email' ? byEmail(search, after) : byUsername(search, after);
    return { ...ordered, from: 'auth_user', rest: all || undefined };
  }
  const values = [/^\d{1,15}$/.test(after ?? '') ? Number(after) : Number.MAX_SAFE_INTEGER];
  const ordered = { order: 'id DESC', values, keyOf: ({ id }: { id: number }) => `${id}` };
  if (!index) return { ...ordered, from: 'auth_user', where: 'id < ?', rest: condition };
  // Without statistics, SQLite would read the table and not the index.
  const from = `auth_user INDEXED BY ${index}`;
  return { ...ordered, from, where: `${condition} AND id < ?`, rest };
}

function byUsername(search: string, after: string | undefined) {
  const isFirst = after === undefined;
  return {
    where: `username >= ? AND username < ?${isFirst ? '' : ' AND username > ?'}`,
    order: 'username',
    values: [search, search + LAST_CHARACTER, ...(isFirst ? [] : [after])],
    keyOf: ({ username }: { username: string }) => username,
  };
}

/** Several users may have one address, so the id is a part of the key. */
function byEmail(search: string, after: string | undefined) {
  const { id = '0', email = search } =
    /^(?<id>\d{1,15}) (?<email>.*)$/s.exec(after ?? '')?.groups ?? {};
  return {
    where: `email COLLATE NOCASE >= ? AND email COLLATE NOCASE < ?
      AND (email COLLATE NOCASE > ? OR id > ?)`,
    order: 'email COLLATE NOCASE, id',
    values: [email, search + LAST_CHARACTER, email, Number(id)],
    keyOf: (user: { id: number; email: string }) => `${user.id} ${user.email}`,
  };
}

export function staffListQueries(d1: D1Database) {
  const selectUser = d1.prepare(
    `SELECT ${COLUMNS}, created AS token_created
       FROM auth_user LEFT JOIN authtoken_token ON user_id = auth_user.id WHERE auth_user.id = ?`,
  );

  return {
    /** A user as staff sees it: without the password and the key of the token. */
    async findUser(id: number) {
      const row = await runRead(() =>
        selectUser.bind(id).first<Row & { token_created: string | null }>(),
      );
      if (!row) return undefined;
      return { ...toStaffUser(row), token_created: row.token_created };
    },

    /**
     * Lists users, newest first, or those of a search in the order of what was searched. One or two round
     * trips.
     *
     * @returns `next` is the `after` of the next page; undefined if there is none
     */
    async listUsers(search: UserSearch) {
      const { from, where, order, values, rest, keyOf } = sourceOf(search);
      const source = (columns: string, limit: string) =>
        `SELECT ${columns} FROM ${from} WHERE ${where} ORDER BY ${order} LIMIT ${limit}`;
      const scanned = rest === undefined ? PAGE_LENGTH + 1 : SCAN_LENGTH;
      // SQLite reads the rows of the inner query one by one, until the outer one has enough.
      const select = d1.prepare(
        `SELECT ${COLUMNS} FROM (${source('*', `${scanned}`)}) AS auth_user
          WHERE ${rest ?? 'true'} LIMIT ${PAGE_LENGTH + 1}`,
      );
      const { results } = await runRead(() => select.bind(...values).all<Row>());
      const users = results.slice(0, PAGE_LENGTH).map(toStaffUser);
      const last = users.at(-1);
      if (results.length > PAGE_LENGTH) return { users, next: last && keyOf(last) };
      if (rest === undefined) return { users, next: undefined };
      const selectLast = d1.prepare(source('id, username, email', `1 OFFSET ${SCAN_LENGTH - 1}`));
      const lookedAt = await runRead(() => selectLast.bind(...values).first<Row>());
      return { users, next: lookedAt ? keyOf(lookedAt) : undefined };
    },
  };
}
