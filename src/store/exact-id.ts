/**
 * A user's id from the database. D1 answers in JSON, whose numbers are exact up to 2^53 only: two
 * higher ids can become one, and a change of one user would be made to the other.
 *
 * @throws RangeError if the id may have lost digits
 */
export function exactId(id: number): number {
  if (Number.isSafeInteger(id)) return id;
  throw new RangeError('The database has users with ids above 2^53. Run `manage doctor`.');
}
