/** What `doctor` asks: counts over the whole database. Reads only. */

/** Of hashes alike in algorithm and work factor: how many, and one of them to look at. */
export type PasswordGroup = { users: number; sample: string };

/**
 * By algorithm, PBKDF2 by iterations too. Without a dollar there is no algorithm, but for the 32 digits
 * of an unsalted MD5.
 */
const PASSWORD_GROUPS = `
  WITH password AS (
    SELECT password, substr(password, 1, instr(password, '$') - 1) AS algorithm,
      substr(password, instr(password, '$') + 1) AS rest
    FROM auth_user)
  SELECT count(*) AS users, min(password) AS sample FROM password
  GROUP BY CASE WHEN password LIKE '!%' THEN '!'
    WHEN algorithm LIKE 'pbkdf2%' THEN algorithm || '$' || substr(rest, 1, instr(rest, '$') - 1)
    WHEN algorithm <> '' THEN algorithm
    ELSE length(password) = 32 END
  ORDER BY users DESC`;

export function inspectionQueries(d1: D1Database) {
  const number = async (sql: string): Promise<number> =>
    (await d1.prepare(sql).first<number>('n')) ?? 0;

  return {
    countUsers: () => number('SELECT count(*) AS n FROM auth_user'),
    countInactive: () => number('SELECT count(*) AS n FROM auth_user WHERE NOT is_active'),
    countTokens: () => number('SELECT count(*) AS n FROM authtoken_token'),

    countUsersWithoutToken: () =>
      number(
        'SELECT count(*) AS n FROM auth_user WHERE id NOT IN (SELECT user_id FROM authtoken_token)',
      ),

    countTokensWithoutUser: () =>
      number(
        'SELECT count(*) AS n FROM authtoken_token WHERE user_id NOT IN (SELECT id FROM auth_user)',
      ),

    async passwordGroups(): Promise<PasswordGroup[]> {
      return (await d1.prepare(PASSWORD_GROUPS).all<PasswordGroup>()).results;
    },

    /** Names with a character beyond ASCII, the only ones that NFKC can change, in the order of ids. */
    async pageOfNonAsciiNames(
      afterId: number,
      limit: number,
    ): Promise<{ id: number; username: string }[]> {
      const query = d1.prepare(
        `SELECT id, username FROM auth_user WHERE id > ? AND username GLOB '*[^ -~]*' ORDER BY id LIMIT ?`,
      );
      return (await query.bind(afterId, limit).all<{ id: number; username: string }>()).results;
    },

    /** Names of the migrations applied; none where wrangler has applied none. */
    async appliedMigrations(): Promise<string[]> {
      const tables = `SELECT count(*) AS n FROM sqlite_master WHERE name = 'd1_migrations'`;
      if ((await number(tables)) === 0) return [];
      const { results } = await d1
        .prepare('SELECT name FROM d1_migrations')
        .all<{ name: string }>();
      return results.map(({ name }) => name);
    },
  };
}
