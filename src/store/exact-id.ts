/**
 * Checks a user's id from the database. D1 responds in JSON, and JavaScript's numbers are exact
 * only up to 2^53. Two higher ids can become the same number. Then a change of one user would be
 * applied to the other.
 *
 * @throws RangeError if the id may have lost digits
 */
export function exactId(id: number): number {
  if (Number.isSafeInteger(id)) return id;
  throw new RangeError('The database has users with ids above 2^53. Run the command `doctor`.');
}
