import { and, eq, inArray, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import * as v from 'valibot';
import { rootCause } from '../lib/root-cause.ts';
import { runRead, runWriteWithRetry } from './d1-errors.ts';
import { exactId } from './exact-id.ts';
import { authtokenToken, authUser, type NewToken, type NewUser } from './schema.ts';
import { statement } from './statement.ts';

/** Undefined fields are not changed. */
export type ProfileChanges = {
  [field in 'first_name' | 'last_name' | 'email']?: string | undefined;
};

const { placeholder } = sql;

/** The result of `RETURNING id` for one inserted row. */
const InsertedRow = v.tuple([v.object({ id: v.number() })]);

/** The columns of a user that a login needs. */
export type FoundUser = {
  id: number;
  password: string;
  is_active: boolean;
  /** Null if the user has none. */
  token: { key: string; created: string } | null;
};

type FoundRow =
  | { id: null; password: string }
  | { id: number; password: string; is_active: number; key: string | null; created: string | null };

/** The id of a draw in JSON: that of its last place which is not above the highest id. */
const idOf = (draw: string) =>
  `lowest + (select max(value) from json_each(${draw}) where value <= highest - lowest)`;

/** The password of the first user that a join finds. The join may use `lowest` and `highest`. */
const standInFrom = (join: string) => `
  select null, password, null, null, null from (
    select auth_user.password
      from (select (select min(id) from auth_user) as lowest,
                   (select max(id) from auth_user) as highest)
      cross join ${join}
     limit 1
  )`;

/**
 * Selects the user of a name (?1), or the password of its stand-in, by the draws of the name in
 * JSON (?2). The stand-in is the user with the id of the first draw whose id exists. If none
 * exists, it is the next user after the first draw. With `cross join`, SQLite joins in the written
 * order. It stops at the limit, so the lookup of a known name reads no other user.
 */
const SELECT_USER_OR_STAND_IN = `
  select id, password, is_active, key, created
    from auth_user left join authtoken_token on user_id = id
   where username = ?1
  union all ${standInFrom(`json_each(?2) as draw
      cross join auth_user on auth_user.id = ${idOf('draw.value')}`)}
  union all ${standInFrom(`auth_user on auth_user.id >= ${idOf("?2 -> '$[0]'")}`)}
  limit 1`.trim();

export function userQueries(d1: D1Database, db: DrizzleD1Database) {
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

  const insertTokenOfUsername = statement(
    d1,
    db.insert(authtokenToken).values({
      key: placeholder('key'),
      created: placeholder('created'),
      user_id: sql`(select ${authUser.id} from ${authUser} where ${authUser.username} = ${placeholder('username')})`,
    }),
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

  const selectUserOrStandIn = d1.prepare(SELECT_USER_OR_STAND_IN);

  const updateProfile = db
    .update(authUser)
    .set({
      first_name: sql`coalesce(${placeholder('first_name')}, ${authUser.first_name})`,
      last_name: sql`coalesce(${placeholder('last_name')}, ${authUser.last_name})`,
      email: sql`coalesce(${placeholder('email')}, ${authUser.email})`,
    })
    .where(
      and(
        eq(authUser.id, placeholder('id')),
        sql`${authUser.password} = coalesce(${placeholder('password')}, ${authUser.password})`,
      ),
    )
    .returning({
      first_name: authUser.first_name,
      last_name: authUser.last_name,
      email: authUser.email,
    })
    .prepare();

  return {
    /**
     * Inserts a user and its token, both or neither.
     *
     * @param token undefined for a user without a token
     * @returns the user's id; undefined if the username is taken. The UNIQUE constraint decides, so
     *   there is no race
     */
    insertUser(user: NewUser, token: NewToken | undefined): Promise<number | undefined> {
      const { username, password } = user;
      return runWriteWithRetry(async (isRetry) => {
        try {
          const [inserted] = await d1.batch([
            insertUser({ last_login: null, ...user }),
            ...(token ? [insertTokenOfUsername({ ...token, username })] : []),
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
     * @returns `user` is undefined if the name is unknown. `encoded` is the stored password to
     *   verify, of the user or the stand-in; it is undefined if the database has no users
     */
    async findUserOrStandIn(
      username: string,
      draws: number[][],
    ): Promise<{ user: FoundUser | undefined; encoded: string | undefined }> {
      const row = await runRead(() =>
        selectUserOrStandIn.bind(username, JSON.stringify(draws)).first<FoundRow>(),
      );
      if (!row || row.id === null) return { user: undefined, encoded: row?.password };
      const { id, password, is_active, key, created } = row;
      const token = key === null || created === null ? null : { key, created };
      const user = { id: exactId(id), password, is_active: Boolean(is_active), token };
      return { user, encoded: password };
    },

    /**
     * Sets the given fields.
     *
     * @param password the expected stored password; undefined for any
     * @returns the new profile; undefined if the user does not exist or the password differs
     */
    updateProfile: (
      id: number,
      { first_name, last_name, email }: ProfileChanges,
      password?: string,
    ) =>
      runWriteWithRetry(() =>
        updateProfile.get({
          id,
          password: password ?? null,
          first_name: first_name ?? null,
          last_name: last_name ?? null,
          email: email ?? null,
        }),
      ),

    /**
     * Deletes the user and its token, both or neither. The stored password must still be
     * `password`, and no row of another table may refer to the user. Two round trips.
     *
     * @returns `changed` if the stored password differs, `referenced` if a row refers to the user
     */
    deleteUser(id: number, password: string): Promise<'deleted' | 'changed' | 'referenced'> {
      return runWriteWithRetry(async () => {
        const isToDelete = and(
          eq(authUser.id, id),
          eq(authUser.password, password),
          ...(await referencesToUser(d1)).map(({ table, column }) => {
            return sql`not exists (select 1 from ${sql.identifier(table)} where ${sql.identifier(column)} = ${id})`;
          }),
        );
        const [, , [remaining]] = await db.batch([
          db
            .delete(authtokenToken)
            .where(
              inArray(
                authtokenToken.user_id,
                db.select({ id: authUser.id }).from(authUser).where(isToDelete),
              ),
            ),
          db.delete(authUser).where(isToDelete),
          db.select({ password: authUser.password }).from(authUser).where(eq(authUser.id, id)),
        ]);
        if (!remaining) return 'deleted';
        return remaining.password === password ? 'referenced' : 'changed';
      });
    },
  };
}

/**
 * Finds the columns of other tables that refer to a user. Django's foreign keys are checked when a
 * transaction ends. If that check fails, D1 returns an internal error and resets the object of the
 * database. So references are checked beforehand.
 */
async function referencesToUser(d1: D1Database) {
  const { results } = await d1
    .prepare(
      // D1 does not allow queries about its own tables, _cf_*.
      `WITH tables AS MATERIALIZED (
         SELECT name FROM sqlite_master
          WHERE type = 'table' AND name <> 'authtoken_token' AND name NOT GLOB '_cf_*'
       )
       SELECT name AS "table", f."from" AS "column"
         FROM tables JOIN pragma_foreign_key_list(name) AS f
        WHERE f."table" = 'auth_user'`,
    )
    .all();
  return v.parse(References, results);
}

const References = v.array(v.object({ table: v.string(), column: v.string() }));

/**
 * D1 reports the violated constraint only in the message:
 * `… UNIQUE constraint failed: auth_user.username: …`.
 */
const isUniqueViolation = (error: unknown, column: string): boolean =>
  String(rootCause(error)).includes(`UNIQUE constraint failed: ${column}`);
