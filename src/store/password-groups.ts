/** The number of hashes with the same algorithm and work factor, and one of them as a sample. */
export type PasswordGroup = { users: number; sample: string };

/** Unusable passwords, and what is plainly PBKDF2's. */
export const COMMON_PASSWORD = `(password GLOB '!*' OR password GLOB 'pbkdf2_sha*$[0-9]*$?*$?*')`;

/**
 * Groups passwords: PBKDF2 by algorithm and iterations, others by algorithm.
 *
 * @param from a table or a query in parentheses
 */
export const passwordGroups = (from: string, condition: string): string => `
  WITH password AS (
    SELECT password, substr(password, 1, instr(password, '$') - 1) AS algorithm,
      substr(password, instr(password, '$') + 1) AS rest
    FROM ${from} WHERE ${condition})
  SELECT count(*) AS users, min(password) AS sample FROM password
  GROUP BY CASE WHEN password LIKE '!%' THEN '!'
    WHEN ${COMMON_PASSWORD} THEN algorithm || '$' || substr(rest, 1, instr(rest, '$') - 1)
    ELSE algorithm END
  ORDER BY users DESC`;
