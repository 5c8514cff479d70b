/**
 * Formats a datetime as Django does: `YYYY-MM-DD HH:MM:SS.ffffff`, UTC, no time zone. A fraction of
 * zero is omitted (django/db/backends/sqlite3/operations.py, `adapt_datetimefield_value`:
 * `str(datetime)`).
 */
export function djangoDatetime(moment: Date): string {
  const [date, time] = moment.toISOString().slice(0, -1).split('T');
  return `${date} ${time?.endsWith('.000') ? time.slice(0, -4) : `${time}000`}`;
}

/** The moment of such a datetime, to the millisecond. */
export const parseDjangoDatetime = (datetime: string): Date => new Date(isoDatetime(datetime));

/** The same datetime as DRF writes it in JSON: ISO 8601, with `Z` (rest_framework/fields.py, `DateTimeField`). */
export const isoDatetime = (datetime: string): string => `${datetime.replace(' ', 'T')}Z`;
