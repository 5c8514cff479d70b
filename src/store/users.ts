import { and, desc, eq, gte, lt, or, type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import * as v from 'valibot';
import { isUniqueViolation, runRead, runWriteWithRetry } from './d1-errors.ts';
import { deleteUser } from './delete-user.ts';
import { exactId } from './exact-id.ts';
import { isNotLastSuperuser } from './last-superuser.ts';
import { authUser, type NewUser } from './schema.ts';
import { statement } from './statement.ts';
import type { PlainToken } from './stored-token.ts';
import { type TokenQueries, userColumns } from './tokens.ts';

/** Undefined fields are not changed. */
export type ProfileChanges = {
  [field in 'username' | 'first_name' | 'last_name' | 'email']?: string | undefined;
};

const { placeholder } = sql;

/** The result of `RETURNING id` for one inserted row. */
const InsertedRow = v.tuple([v.object({ id: v.number() })]);

/** The columns of a user that a login needs. */
export type FoundUser = {
  id: number;
  username: string;
  password: string;
  is_active: boolean;
  /** The token of DRF; null if the user has none. */
  token: { key: string; created: string } | null;
};

type FoundRow =
  | { id: null; password: string }
  | {
      id: number;
      username: string;
      password: string;
      is_active: number;
      key: string | null;
      created: string | null;
    };

/** The id of a draw in JSON: that of its last place which is not above the highest id. */
const idOf = (draw: string) =>
  `lowest + (select max(value) from json_each(${draw}) where value <= highest - lowest)`;

/** The password of the first user that a join finds. The join may use `lowest` and `highest`. */
const standInFrom = (join: string) => `
  select null, null, password, null, null, null from (
    select auth_user.password
      from (select (select min(id) from auth_user) as lowest,
                   (select max(id) from auth_user) as highest)
      cross join ${join}
     limit 1
  )`;

const userWhere = (condition: string) => `
  select id, username, password, is_active, key, created
    from auth_user left join authtoken_token on user_id = id
   where ${condition}`;

/**
 * Selects the user of a name (?1), or the password of its stand-in, by the draws of the name in
 * JSON (?2). The stand-in is the user with the id of the first draw whose id exists. If none
 * exists, it is the next user after the first draw. With `cross join`, SQLite joins in the written
 * order. It stops at the limit, so the lookup of a known name reads no other user.
 */
const USER_OR_STAND_IN = `${userWhere('username = ?1')}
  union all ${standInFrom(`json_each(?2) as draw
      cross join auth_user on auth_user.id = ${idOf('draw.value')}`)}
  union all ${standInFrom(`auth_user on auth_user.id >= ${idOf("?2 -> '$[0]'")}`)}
  limit 1`;

/**
 * Users of one address that a login looks at. Anyone can register with the address of another
 * person, so their number must be limited.
 */
const MAX_USERS_OF_ADDRESS = 10;

/**
 * Selects a user of an e-mail address (?3), in any case of ASCII letters. If several users have it,
 * the username decides, then whether the user is active, then the id. If no user has it, this is
 * the lookup of the username.
 */
const USER_OF_ADDRESS_OR_STAND_IN = `${userWhere(`id = (
     select id from (
       select id, username, is_active from auth_user
        where email = ?3 collate nocase order by id limit ${MAX_USERS_OF_ADDRESS}
     ) order by username = ?1 desc, is_active desc, id limit 1)`)}
  union all ${USER_OR_STAND_IN}`;

/** Sorts after each character of a text. */
export const LAST_CHARACTER = '\u{10ffff}';

/** Undefined if the row has only the password of a stand-in. */
function toFoundUser(row: FoundRow | null): FoundUser | undefined {
  if (!row || row.id === null) return undefined;
  const { id, username, password, is_active, key, created } = row;
  const token = key === null || created === null ? null : { key, created };
  return { id: exactId(id), username, password, is_active: Boolean(is_active), token };
}

export function userQueries(
  d1: D1Database,
  db: DrizzleD1Database,
  insertTokenOfUsername: TokenQueries['insertTokenOfUsername'],
) {
  const insertUser = statement(
    d1,
    db
      .insert(authUser)
      .values({
        password: placeholder('password'),
        last_login: placeholder('last_login'),
        is_superuser: placeholder('is_superuser'),
        username: placeholder('username'),
        last_name: placeholder('last_name'),
        email: placeholder('email'),
        is_staff: placeholder('is_staff'),
        is_active: placeholder('is_active'),
        date_joined: placeholder('date_joined'),
        first_name: placeholder('first_name'),
      })
      .returning({ id: authUser.id }),
  );

  const selectIdByPassword = db
    .select({ id: authUser.id })
    .from(authUser)
    .where(
      and(
        eq(authUser.username, placeholder('username')),
        eq(authUser.password, placeholder('password')),
      ),
    )
    .prepare();

  const selectIdByUsername = db
    .select({ id: authUser.id })
    .from(authUser)
    .where(eq(authUser.username, placeholder('username')))
    .prepare();

  const selectUserOrStandIn = d1.prepare(USER_OR_STAND_IN.trim());
  const selectUserOfAddressOrStandIn = d1.prepare(USER_OF_ADDRESS_OR_STAND_IN.trim());

  const fields = {
    first_name: sql`coalesce(${placeholder('first_name')}, ${authUser.first_name})`,
    last_name: sql`coalesce(${placeholder('last_name')}, ${authUser.last_name})`,
    email: sql`coalesce(${placeholder('email')}, ${authUser.email})`,
  };

  const prepareUpdate = (set: typeof fields & { username?: SQL }) =>
    db
      .update(authUser)
      .set(set)
      .where(
        and(
          eq(authUser.id, placeholder('id')),
          sql`${authUser.password} = coalesce(${placeholder('password')}, ${authUser.password})`,
        ),
      )
      .returning({
        username: authUser.username,
        first_name: authUser.first_name,
        last_name: authUser.last_name,
        email: authUser.email,
      })
      .prepare();

  const selectProfile = db
    .select(userColumns)
    .from(authUser)
    .where(eq(authUser.id, placeholder('id')))
    .prepare();

  const isBefore = lt(authUser.id, placeholder('before'));

  const selectPage = (condition: SQL | undefined) =>
    db
      .select(userColumns)
      .from(authUser)
      .where(condition)
      .orderBy(desc(authUser.id))
      .limit(placeholder('limit'))
      .prepare();

  const selectBefore = selectPage(isBefore);
  // Ranges, because `like` with a placeholder would not use the indexes.
  const selectFoundBefore = selectPage(
    and(
      isBefore,
      or(
        and(gte(authUser.username, placeholder('from')), lt(authUser.username, placeholder('to'))),
        sql`${authUser.email} collate nocase between ${placeholder('from')} and ${placeholder('to')}`,
      ),
    ),
  );

  const updateProfile = prepareUpdate(fields);
  // Separate, because setting the username writes its index, also if it does not change.
  const updateUsername = prepareUpdate({ username: sql`${placeholder('username')}`, ...fields });

  return {
    /**
     * Inserts a user and its token, and runs further statements, all or nothing.
     *
     * @param token undefined for a user without a token
     * @returns the user's id; undefined if the username is taken. The UNIQUE constraint decides, so
     *   there is no race
     */
    insertUser(
      user: NewUser,
      token: PlainToken | undefined,
      statements: D1PreparedStatement[] = [],
    ): Promise<number | undefined> {
      const { username, password } = user;
      return runWriteWithRetry(async (isRetry) => {
        try {
          const [inserted] = await d1.batch([
            insertUser({ last_login: null, ...user }),
            ...(token ? [insertTokenOfUsername(token, username)] : []),
            ...statements,
          ]);
          return exactId(v.parse(InsertedRow, inserted?.results)[0].id);
        } catch (error) {
          if (!isUniqueViolation(error, 'auth_user.username')) throw error;
          // A retry may find the row of the first run, whose response was lost. No other user
          // has this hash, because its salt is random.
          const own = isRetry ? await selectIdByPassword.get({ username, password }) : undefined;
          return own && exactId(own.id);
        }
      });
    },

    /**
     * Looks up a name. For an unknown name it reads a stand-in in the same round trip.
     *
     * @param draws the draws of the name (`drawStandIn`)
     * @param email looked up before the name; empty to look up the name only
     * @returns `user` is undefined if the name is unknown. `encoded` is the stored password to
     *   verify, of the user or the stand-in; it is undefined if the database has no users
     */
    async findUserOrStandIn(
      username: string,
      draws: number[][],
      email = '',
    ): Promise<{ user: FoundUser | undefined; encoded: string | undefined }> {
      const values = [username, JSON.stringify(draws)];
      const bound =
        email === ''
          ? selectUserOrStandIn.bind(...values)
          : selectUserOfAddressOrStandIn.bind(...values, email);
      const row = await runRead(() => bound.first<FoundRow>());
      return { user: toFoundUser(row), encoded: row?.password };
    },

    async hasUsername(username: string): Promise<boolean> {
      return (await runRead(() => selectIdByUsername.get({ username }))) !== undefined;
    },

    /** Finds a user by its id. */
    async findProfile(id: number) {
      const user = await runRead(() => selectProfile.get({ id }));
      if (user) exactId(user.id);
      return user;
    },

    /**
     * Lists the newest users, ordered by id.
     *
     * @param before an id. Only users with lower ids are listed
     * @param search the start of a username or of an address; empty for all users. An address is found
     *   in any case of ASCII letters
     * @param limit the number of users
     */
    async listUsers(before: number, search: string, limit: number) {
      const found = await runRead(() =>
        search === ''
          ? selectBefore.all({ before, limit })
          : selectFoundBefore.all({ before, from: search, to: search + LAST_CHARACTER, limit }),
      );
      for (const { id } of found) exactId(id);
      return found.reverse();
    },

    /**
     * Sets the given fields.
     *
     * @param password the expected stored password; undefined for any
     * @returns the new profile; undefined if the user does not exist or the password differs;
     *   `username-taken` if the UNIQUE constraint refuses the username
     */
    async updateProfile(
      id: number,
      { username, first_name, last_name, email }: ProfileChanges,
      password?: string,
    ) {
      const update = username === undefined ? updateProfile : updateUsername;
      const values = {
        id,
        password: password ?? null,
        username,
        first_name: first_name ?? null,
        last_name: last_name ?? null,
        email: email ?? null,
      };
      try {
        return await runWriteWithRetry(() => update.get(values));
      } catch (error) {
        if (isUniqueViolation(error, 'auth_user.username')) return 'username-taken' as const;
        throw error;
      }
    },

    /**
     * Deletes the user and its tokens, and does what the references of other tables say, all or
     * nothing. The stored password must still be `password`. Two round trips.
     *
     * @returns `changed` if the stored password differs, `referenced` if the database refuses
     */
    deleteUser(id: number, password: string): Promise<'deleted' | 'changed' | 'referenced'> {
      return runWriteWithRetry(async () => {
        const outcome = await deleteUser(d1, id, eq(authUser.password, password));
        return outcome === 'kept' ? 'changed' : outcome;
      });
    },

    /**
     * As `deleteUser`, with any stored password.
     *
     * @returns `kept` for the last active superuser
     */
    deleteUserAsStaff: (id: number): Promise<'deleted' | 'kept' | 'referenced'> =>
      runWriteWithRetry(() => deleteUser(d1, id, isNotLastSuperuser)),
  };
}
