/** Queries of the command line for knox's tokens: one user's, and the change of DRF's tokens into knox's. */
import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { runRead } from '../d1-errors.ts';
import { authtokenToken, knoxAuthtoken } from '../schema.ts';

export type KnoxTokenStore = ReturnType<typeof knoxTokenQueries>;

/** A token of `authtoken_token` that is to be hashed. `row` is SQLite's number of the row. */
export type PlainToken = { row: number; key: string };

/** When a token of `authtoken_token` expires, as a knox token. */
export type HashedExpiry = {
  /** Django's datetime text. Null: never. */
  expiry: string | null;
  /** Days after its creation (`TOKEN_MAX_AGE_DAYS`). Null: tokens do not expire by their age. */
  maxAgeDays: number | null;
};

const SELECT_PLAIN = `
  SELECT token.rowid AS row, key FROM authtoken_token AS token
  WHERE token.rowid > ? AND user_id IN (SELECT id FROM auth_user) ORDER BY token.rowid LIMIT ?`;

/** The earlier one of two moments. A moment without a fraction sorts before the same with one. */
const EXPIRY = `CASE WHEN ?3 IS NULL THEN ?2 ELSE
    min(coalesce(?2, '9999'),
      coalesce(strftime('%Y-%m-%d %H:%M:%S', token.created, '+' || ?3 || ' days'), token.created)) END`;

/** Reads the rows as they are now: a token that was deleted since then does not come back. */
const INSERT_HASHED = `
  INSERT INTO knox_authtoken (digest, created, user_id, expiry, token_key)
  SELECT value ->> 1, token.created, token.user_id, ${EXPIRY}, value ->> 2
  FROM json_each(?1) JOIN authtoken_token AS token ON token.key = value ->> 0
  WHERE true ON CONFLICT (digest) DO NOTHING`;

/** Only tokens that are the same user's in knox's table. */
const DELETE_HASHED = `
  DELETE FROM authtoken_token WHERE key IN (
    SELECT token.key FROM json_each(?1) JOIN authtoken_token AS token ON token.key = value ->> 0
    JOIN knox_authtoken AS knox ON knox.digest = value ->> 1 AND knox.user_id = token.user_id)`;

export function knoxTokenQueries(d1: D1Database) {
  const db = drizzle(d1);

  return {
    /** @param reset whether to delete all tokens of the user first, those of both models */
    async insertToken(
      token: typeof knoxAuthtoken.$inferInsert,
      { reset }: { reset: boolean },
    ): Promise<void> {
      const insert = db.insert(knoxAuthtoken).values(token);
      if (!reset) await insert.run();
      else {
        await db.batch([
          db.delete(authtokenToken).where(eq(authtokenToken.user_id, token.user_id)),
          db.delete(knoxAuthtoken).where(eq(knoxAuthtoken.user_id, token.user_id)),
          insert,
        ]);
      }
    },

    countPlainTokens: () => runRead(async () => db.$count(authtokenToken)),

    /** Tokens of `authtoken_token` that have a user, in the order of rows. */
    async pageOfPlainTokens(afterRow: number, limit: number): Promise<PlainToken[]> {
      const query = d1.prepare(SELECT_PLAIN).bind(afterRow, limit);
      return (await runRead(() => query.all<PlainToken>())).results;
    },

    /**
     * Moves tokens to knox's table, all or none: at each moment a token is in one of the tables.
     *
     * @param hashed a JSON array of arrays: key, digest and `token_key` of each token
     * @returns how many tokens were moved
     */
    async hashTokens(hashed: string, { expiry, maxAgeDays }: HashedExpiry): Promise<number> {
      const [, deleted] = await d1.batch([
        d1.prepare(INSERT_HASHED).bind(hashed, expiry, maxAgeDays),
        d1.prepare(DELETE_HASHED).bind(hashed),
      ]);
      return deleted?.meta.changes ?? 0;
    },
  };
}
