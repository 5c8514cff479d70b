/**
 * Django's two tables with the same columns in the same order, so that Django can open the database
 * file. Sources: django/contrib/auth/models.py `AbstractUser`,
 * rest_framework/authtoken/models.py `Token`, and their migrations.
 */
import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable } from 'drizzle-orm/sqlite-core';
import { bool, datetime, varchar } from './columns.ts';

export const authUser = sqliteTable(
  'auth_user',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    /** A password in Django's encoding, never the password itself. */
    password: varchar({ length: 128 }).notNull(),
    last_login: datetime(),
    is_superuser: bool().notNull(),
    username: varchar({ length: 150 }).notNull().unique(),
    last_name: varchar({ length: 150 }).notNull(),
    email: varchar({ length: 254 }).notNull(),
    is_staff: bool().notNull(),
    is_active: bool().notNull(),
    date_joined: datetime().notNull(),
    first_name: varchar({ length: 150 }).notNull(),
  },
  // Our own indexes, which Django ignores. Without the first one a password reset would read every user. The
  // others have only the users of a list of the staff page (staff-list.ts).
  ({ id, email, password, last_login, is_superuser, is_staff, is_active }) => [
    index('auth_user_email_nocase').on(sql`${email} COLLATE NOCASE`),
    index('auth_user_staff').on(id).where(sql`${is_staff}`),
    index('auth_user_superuser').on(id).where(sql`${is_superuser}`),
    index('auth_user_inactive').on(id).where(sql`NOT ${is_active}`),
    index('auth_user_unverified').on(id).where(sql`NOT ${is_active} AND ${last_login} IS NULL`),
    index('auth_user_unusable_password').on(id).where(sql`substr(${password}, 1, 1) = '!'`),
  ],
);

export const authtokenToken = sqliteTable('authtoken_token', {
  key: varchar({ length: 40 }).notNull().primaryKey(),
  created: datetime().notNull(),
  user_id: integer()
    .notNull()
    .unique()
    .references(() => authUser.id),
});

/** A row to insert. The database assigns the id. */
export type NewUser = Omit<typeof authUser.$inferInsert, 'id'>;

/** A row to insert. The query sets the user's id. */
export type NewToken = Omit<typeof authtokenToken.$inferInsert, 'user_id'>;
