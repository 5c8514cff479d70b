import { and, eq, inArray, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import * as v from 'valibot';
import { rootCause } from '../lib/root-cause.ts';
import { runRead, runWriteWithRetry } from './d1-errors.ts';
import { exactId } from './exact-id.ts';
import { authtokenToken, authUser, type NewToken, type NewUser } from './schema.ts';
import { statement } from './statement.ts';

/** What is undefined stays as it is. */
export type ProfileChanges = {
  [field in 'first_name' | 'last_name' | 'email']?: string | undefined;
};

const { placeholder } = sql;

/** What `RETURNING id` gives of one inserted row. */
const InsertedRow = v.tuple([v.object({ id: v.number() })]);

/** What a login needs of a user. */
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

/** The id that a draw in JSON falls on: that of its last place up to the highest id. */
const idOf = (draw: string) =>
  `lowest + (select max(value) from json_each(${draw}) where value <= highest - lowest)`;

/** The password of the first user that a join finds, which may use the lowest and highest id. */
const standInFrom = (join: string) => `
  select null, password, null, null, null from (
    select auth_user.password
      from (select (select min(id) from auth_user) as lowest,
                   (select max(id) from auth_user) as highest)
      cross join ${join}
     limit 1
  )`;

/**
 * The user of a name (?1), or the password of its stand-in, by the draws of the name in JSON (?2). The
 * stand-in is the user with the id of the earliest draw that falls on one. If no draw does, it is the
 * next user after the first draw. SQLite joins in the order written (`cross join`) and stops at a
 * limit, so that the lookup of a known name reads no other user.
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
     * @param token undefined for a user who gets none yet
     * @returns the user's id; undefined where the username is taken: the UNIQUE constraint decides,
     *   so no race can pass it
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
          // A retry may meet its own first try, whose answer was lost. No other user has this hash:
          // its salt is random.
          const own = isRetry ? await selectIdByPassword.get({ username, password }) : undefined;
          return own && exactId(own.id);
        }
      });
    },

    /**
     * Looks a name up. For an unknown one it reads a stand-in as well, in the same round trip.
     *
     * @param draws those of the name (`drawStandIn`)
     * @returns the user, and the stored password to verify: the user's or the stand-in's. Undefined
     *   if there is no user of the name, and if there are no users at all.
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
     * Sets what is given.
     *
     * @param password what the stored password must still be; undefined for any
     * @returns the profile as it is now; undefined if the user is gone or the password is another one
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
     * Deletes the user and its token, both or neither. Its password must still be `password`, and
     * no row of another table may refer to it. Two round trips.
     *
     * @returns `changed` where the password is another one, `referenced` where a row refers to the
     *   user
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
 * The columns of other tables that refer to a user. Django's foreign keys are checked when a
 * transaction ends. D1 answers a failure there with an internal error, and the database's object is
 * reset. So references are looked for beforehand.
 */
async function referencesToUser(d1: D1Database) {
  const { results } = await d1
    .prepare(
      // Nobody may ask about D1's own tables, _cf_*.
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
 * D1 reports a constraint only in the message: `… UNIQUE constraint failed: auth_user.username: …`.
 */
const isUniqueViolation = (error: unknown, column: string): boolean =>
  String(rootCause(error)).includes(`UNIQUE constraint failed: ${column}`);
