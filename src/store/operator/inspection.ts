/** Queries of `doctor` over the whole database. Reads only. */
import { getTableColumns, getTableName, lt, not, notInArray, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { COMMON_PASSWORD, type PasswordGroup, passwordGroups } from '../password-groups.ts';
import { authtokenToken, authUser, knoxAuthtoken } from '../schema.ts';
import { HAS_TOKEN, hasToken } from '../tokens.ts';

/**
 * A condition for keys that no `Authorization` header can have. DRF accepts no empty token and no white
 * space in a token (rest_framework/authentication.py, `TokenAuthentication.authenticate`).
 */
export const UNSENDABLE_KEY = `(key = '' OR key GLOB '*[' || char(9, 10, 11, 12, 13, 32) || ']*')`;

/** The length of `token_key` in knox 4, whose digest is not the one of the token's text. knox 5 accepts no such token. */
export const KNOX_4_TOKEN_KEY_LENGTH = 8;

/** A user of a finding. The id is a string, so that an id above 2^53 keeps its digits. */
export type InspectedUser = { id: string; username: string };

/** The lengths of Django's columns, in characters, by the names of the columns. */
const lengths = Object.entries(getTableColumns(authUser)).flatMap(([name, column]) => {
  const length = /^varchar\((\d+)\)$/.exec(column.getSQLType())?.[1];
  return length === undefined ? [] : [{ name, length }];
});

/** The columns of a user whose values are too long, separated by commas; empty if there are none. */
const LONG_COLUMNS = `ltrim(${lengths
  .map(({ name, length }) => `iif(length(${name}) > ${length}, ', ${name}', '')`)
  .join(' || ')}, ', ')`;

export function inspectionQueries(d1: D1Database) {
  const db = drizzle(d1);

  /**
   * Users that fit, in the order of ids.
   *
   * @param afterId the last id of the page before
   * @param columns what is selected besides id and username
   */
  const users =
    <T = unknown>(condition: string, columns: string[] = [], join = '') =>
    async (afterId: string, limit: number): Promise<(InspectedUser & T)[]> => {
      const selected = ['CAST(auth_user.id AS TEXT) AS id', 'username', ...columns].join(', ');
      const sql = `SELECT ${selected} FROM auth_user ${join}
        WHERE auth_user.id > CAST(? AS INTEGER) AND ${condition} ORDER BY auth_user.id LIMIT ?`;
      return (await d1.prepare(sql).bind(afterId, limit).all<InspectedUser & T>()).results;
    };

  return {
    countUsers: () => db.$count(authUser),
    countInactive: () => db.$count(authUser, not(authUser.is_active)),
    countTokens: () => db.$count(authtokenToken),
    countKnoxTokens: () => db.$count(knoxAuthtoken),

    /** @param now Django's datetime text */
    countExpiredTokens: (now: string) => db.$count(knoxAuthtoken, lt(knoxAuthtoken.expiry, now)),

    countUsersWithoutToken: () => db.$count(authUser, not(sql`${hasToken}`)),

    /** Of both models. */
    async countTokensWithoutUser(): Promise<number> {
      const ids = db.select({ id: authUser.id }).from(authUser);
      const plain = await db.$count(authtokenToken, notInArray(authtokenToken.user_id, ids));
      return plain + (await db.$count(knoxAuthtoken, notInArray(knoxAuthtoken.user_id, ids)));
    },

    /** The tables that the database does not have yet. */
    async missingTables(): Promise<string[]> {
      const { results } = await d1
        .prepare(
          `SELECT value AS name FROM json_each(?)
           WHERE value NOT IN (SELECT name FROM sqlite_master WHERE type = 'table')`,
        )
        .bind(JSON.stringify([authUser, authtokenToken, knoxAuthtoken].map(getTableName)))
        .all<{ name: string }>();
      return results.map(({ name }) => name);
    },

    async commonPasswordGroups(): Promise<PasswordGroup[]> {
      const select = d1.prepare(passwordGroups('auth_user', COMMON_PASSWORD));
      return (await select.all<PasswordGroup>()).results;
    },

    /** Names with a character beyond ASCII, the only ones that NFKC can change. */
    pageOfNonAsciiNames: users(`username GLOB '*[^ -~]*'`),

    pageOfBlankNames: users(`username = ''`),

    /** Addresses whose domain may have capital letters beyond ASCII. */
    pageOfNonAsciiAddresses: users<{ email: string }>(`email GLOB '*[^ -~]*'`, ['email']),

    /** Users with values that are longer than Django's columns; `columns` names them. */
    pageOfLongValues: users<{ columns: string }>(`columns <> ''`, [`${LONG_COLUMNS} AS columns`]),

    /** All other passwords. */
    pageOfOddPasswords: users<{ password: string }>(`NOT ${COMMON_PASSWORD}`, ['password']),

    /** Users with a token that no request can send. */
    pageOfUnsendableKeys: users(
      UNSENDABLE_KEY,
      [],
      'JOIN authtoken_token ON user_id = auth_user.id',
    ),

    /** Users with tokens that knox before 5.0 has written. */
    pageOfKnox4: users(
      `EXISTS (SELECT 1 FROM knox_authtoken
         WHERE user_id = auth_user.id AND length(token_key) = ${KNOX_4_TOKEN_KEY_LENGTH})`,
    ),

    /** Users that an activation link would activate (auth/activation.ts). */
    pageOfWaiting: users(`NOT is_active AND last_login IS NULL AND NOT ${HAS_TOKEN}`),

    /** How many ids are above `max`, and whether the ids of new users are, or are above 2^53. */
    async highIds(max: number) {
      const row = await d1
        .prepare(
          `SELECT (SELECT count(*) FROM auth_user WHERE id > ?1) AS users, seq >= ?1 AS high,
             seq >= 9007199254740991 AS inexact
           FROM (SELECT max(seq) AS seq FROM sqlite_sequence WHERE name = 'auth_user')`,
        )
        .bind(max)
        .first<{ users: number; high: number | null; inexact: number | null }>();
      return {
        users: row?.users ?? 0,
        isLastTooHigh: Boolean(row?.high),
        isLastInexact: Boolean(row?.inexact),
      };
    },

    /** Names of the migrations applied; none where wrangler has applied none. */
    async appliedMigrations(): Promise<string[]> {
      const table = d1.prepare(`SELECT 1 FROM sqlite_master WHERE name = 'd1_migrations'`);
      if ((await table.first()) === null) return [];
      const { results } = await d1
        .prepare('SELECT name FROM d1_migrations')
        .all<{ name: string }>();
      return results.map(({ name }) => name);
    },
  };
}
