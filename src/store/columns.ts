/**
 * Django's column types on SQLite, declared with Django's names
 * (django/db/backends/sqlite3/base.py, `DatabaseWrapper.data_types`).
 */
import { customType } from 'drizzle-orm/sqlite-core';

/** CharField. SQLite does not enforce the length; validation does. */
export const varchar = customType<{
  data: string;
  driverData: string;
  config: { length: number };
  configRequired: true;
}>({ dataType: ({ length }) => `varchar(${length})` });

/** BooleanField: integers 0 and 1. */
export const bool = customType<{ data: boolean; driverData: number }>({
  dataType: () => 'bool',
  toDriver: Number,
  fromDriver: Boolean,
});

/**
 * DateTimeField, as Django's string (see `djangoDatetime`). A `Date` would lose the microseconds of
 * imported rows.
 */
export const datetime = customType<{ data: string; driverData: string }>({
  dataType: () => 'datetime',
});
