/**
 * Django's tables with the same columns in the same order, so that Django can open the database file.
 * Sources: django/contrib/auth/models.py `AbstractUser`, rest_framework/authtoken/models.py `Token`,
 * knox/models.py `AuthToken`, and their migrations.
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

/** The tokens of django-rest-knox 5. A user can have several. The token itself is not stored. */
export const knoxAuthtoken = sqliteTable(
  'knox_authtoken',
  {
    /** SHA-512 of the token, in hexadecimal digits. */
    digest: varchar({ length: 128 }).notNull().primaryKey(),
    created: datetime().notNull(),
    user_id: integer()
      .notNull()
      .references(() => authUser.id),
    /** Null: the token does not expire. */
    expiry: datetime(),
    /** The first characters of the token, by which knox finds its rows. */
    token_key: varchar({ length: 25 }).notNull(),
  },
  ({ token_key, user_id, expiry }) => [
    index('knox_authtoken_token_key_8f4f7d47').on(token_key),
    index('knox_authtoken_user_id_e5a5d899').on(user_id),
    // Our own index, which Django ignores. Without it a login at the limit would read expired tokens.
    index('knox_authtoken_user_id_expiry').on(user_id, expiry),
  ],
);

/** A row to insert. The database assigns the id. */
export type NewUser = Omit<typeof authUser.$inferInsert, 'id'>;
