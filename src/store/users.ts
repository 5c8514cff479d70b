import { and, eq, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import { authtokenToken, authUser } from './schema.ts';
import { statement } from './statement.ts';

type NewUser = Omit<typeof authUser.$inferInsert, 'id'>;
type NewToken = Omit<typeof authtokenToken.$inferInsert, 'user_id'>;

export function userQueries(d1: D1Database, db: DrizzleD1Database) {
  const { placeholder } = sql;

  const insertUser = statement(
    d1,
    db.insert(authUser).values({
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
    }),
  );

  const insertTokenOfUsername = statement(
    d1,
    db.insert(authtokenToken).values({
      key: placeholder('key'),
      created: placeholder('created'),
      user_id: sql`(select ${authUser.id} from ${authUser} where ${authUser.username} = ${placeholder('username')})`,
    }),
  );

  const selectByUsername = db
    .select({
      id: authUser.id,
      password: authUser.password,
      is_active: authUser.is_active,
      key: authtokenToken.key,
    })
    .from(authUser)
    .leftJoin(authtokenToken, eq(authtokenToken.user_id, authUser.id))
    .where(eq(authUser.username, placeholder('username')))
    .prepare();

  const updatePassword = db
    .update(authUser)
    .set({ password: sql`${placeholder('new_password')}` })
    .where(and(eq(authUser.id, placeholder('id')), eq(authUser.password, placeholder('password'))))
    .prepare();

  return {
    /**
     * Inserts a user and its token, both or neither.
     *
     * @returns false where the username is taken: the UNIQUE constraint decides, so no race can pass it
     */
    async insertUserWithToken(user: NewUser, token: NewToken): Promise<boolean> {
      try {
        await d1.batch([
          insertUser({ last_login: null, ...user }),
          insertTokenOfUsername({ ...token, username: user.username }),
        ]);
        return true;
      } catch (error) {
        if (isUniqueViolation(error, 'auth_user.username')) return false;
        throw error;
      }
    },

    /** What a login needs of a user; `key` is null where the user has no token. */
    findUserByUsername: (username: string) => selectByUsername.get({ username }),

    /** Replaces the stored password if it is still `password` (compare-and-swap). */
    async replacePassword(id: number, password: string, newPassword: string): Promise<void> {
      await updatePassword.run({ id, password, new_password: newPassword });
    },
  };
}

/** D1 reports a constraint only in the message: `… UNIQUE constraint failed: auth_user.username: …`. */
const isUniqueViolation = (error: unknown, column: string): boolean =>
  error instanceof Error && error.message.includes(`UNIQUE constraint failed: ${column}`);
