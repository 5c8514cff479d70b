/** The tables of this project. `migrations/` creates them. */
import { index, integer, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { authUser } from 'edge-authtoken/drizzle';

export const rock = sqliteTable(
  'rock',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    name: text().notNull(),
    weight: real().notNull(),
    owner_id: integer()
      .notNull()
      .references(() => authUser.id, { onDelete: 'cascade' }),
  },
  ({ owner_id }) => [index('rock_owner_id').on(owner_id)],
);
