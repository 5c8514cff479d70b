/**
 * The tokens of django-rest-knox 5: one for each login, stored as a hash (knox/models.py, knox/auth.py).
 * Tokens of DRF that have not been hashed yet are accepted, too.
 */
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import type { Settings } from '../settings.ts';
import { runRead, runWriteWithRetry } from './d1-errors.ts';
import { storedToken } from './stored-token.ts';
import { isPast, type ListedToken, type TokenQueries, toUser, type UserRow } from './tokens.ts';

/** `isKnox` is 0 for a token of DRF. */
type TokenRow = [...UserRow, created: string, expiry: string | null, isKnox: number];

const USER_COLUMNS =
  'auth_user.id, username, first_name, last_name, email, is_staff, is_superuser, is_active';

/**
 * Selects a token by its digest. SQLite stops at the limit, so tokens of DRF are looked up only if there is
 * no such digest. The digest would be enough; with the first characters, rows of knox 4 are not found, as in
 * knox 5.
 */
const SELECT_TOKEN = `
  select ${USER_COLUMNS}, token.created, token.expiry, 1 as is_knox
    from knox_authtoken as token join auth_user on auth_user.id = token.user_id
   where token.digest = ?1 and token.token_key = ?2
  union all
  select ${USER_COLUMNS}, token.created, null, 0
    from authtoken_token as token join auth_user on auth_user.id = token.user_id
   where token.key = ?3
   limit 1`;

/** Counts the tokens of a user (?5) that have not expired, up to the limit (?7), without this one. */
const LIVE_TOKENS = `
  select count(*) from (
    select 1 from knox_authtoken where user_id = ?5 and expiry > ?2 and digest <> ?1
    union all
    select 1 from knox_authtoken where user_id = ?5 and expiry is null and digest <> ?1
     limit coalesce(?7, 0))`;

/** A retry finds the row of the first run, whose response was lost. */
const INSERT_AT_LOGIN = `
  insert into knox_authtoken (digest, created, user_id, expiry, token_key)
  select ?1, ?2, id, ?3, ?4 from auth_user
   where id = ?5 and password = ?6 and is_active = 1 and (?7 is null or (${LIVE_TOKENS}) < ?7)
  on conflict (digest) do nothing`;

const SET_LAST_LOGIN = `
  update auth_user set last_login = ?1
   where id = ?2 and exists (select 1 from knox_authtoken where digest = ?3)`;

const SELECT_OUTCOME = `
  select knox_authtoken.digest is not null as stored
    from auth_user left join knox_authtoken on knox_authtoken.digest = ?1
   where id = ?2 and password = ?3 and is_active = 1`;

const INSERT_OF_USERNAME = `
  insert into knox_authtoken (digest, created, user_id, expiry, token_key)
  values (?1, ?2, (select id from auth_user where username = ?5), ?3, ?4)`;

/** The tokens in a list of each kind: those that expire last, and those that do not expire. */
const MAX_LISTED = 100;

const SELECT_TOKENS = `
  select * from (
    select digest, token_key, created, expiry from knox_authtoken
     where user_id = ?1 and expiry > ?2 order by expiry desc limit ${MAX_LISTED})
  union all
  select * from (
    select digest, token_key, created, expiry from knox_authtoken
     where user_id = ?1 and expiry is null order by rowid desc limit ${MAX_LISTED})`;

/** Rows that a login looks at to find expired tokens. */
const SAMPLE_LENGTH = 20;

const DELETE_EXPIRED_SAMPLE = `
  delete from knox_authtoken where digest in (
    select digest from (
      select digest, expiry from knox_authtoken where digest > ?1 order by digest limit ${SAMPLE_LENGTH})
     where expiry < ?2)`;

export function knoxQueries(
  d1: D1Database,
  _: DrizzleD1Database,
  reads: Settings['tokenReads'],
): TokenQueries {
  const primary = d1.prepare(SELECT_TOKEN);
  const insertAtLogin = d1.prepare(INSERT_AT_LOGIN);
  const setLastLogin = d1.prepare(SET_LAST_LOGIN);
  const selectOutcome = d1.prepare(SELECT_OUTCOME);
  const insertOfUsername = d1.prepare(INSERT_OF_USERNAME);
  const selectTokens = d1.prepare(SELECT_TOKENS);
  const selectPlain = d1.prepare('select key, created from authtoken_token where user_id = ?1');
  const insertIfPassword = d1.prepare(`
    insert into knox_authtoken (digest, created, user_id, expiry, token_key)
    select ?1, ?2, id, ?3, ?4 from auth_user where id = ?5 and password = ?6
    returning digest`);

  async function select(statement: D1PreparedStatement, key: string) {
    const { digest, token_key } = storedToken(key);
    const [row] = await runRead(() => statement.bind(digest, token_key, key).raw<TokenRow>());
    if (!row) return undefined;
    const { 8: created, 9: expiry, 10: isKnox } = row;
    return { user: toUser(row), token: { key, created, ...(isKnox === 1 && { expiry }) } };
  }

  async function selectNearest(key: string) {
    const nearest = d1.withSession('first-unconstrained').prepare(SELECT_TOKEN);
    const found = await select(nearest, key);
    // A replica may lag behind: a new token, or a new expiry, may be only in the primary database.
    return found && !isPast(found.token.expiry) ? found : select(primary, key);
  }

  return {
    findToken: reads === 'nearest' ? selectNearest : (key: string) => select(primary, key),
    findCurrentToken: (key) => select(primary, key),

    async storeLogin({ userId, password, token, lastLogin, limit }) {
      const { digest, token_key } = storedToken(token.key);
      const { created, expiry = null } = token;
      const [outcome] =
        (
          await runWriteWithRetry(() =>
            d1.batch<{ stored: number }>([
              insertAtLogin.bind(
                ...[digest, created, expiry, token_key, userId, password, limit ?? null],
              ),
              ...(lastLogin === undefined ? [] : [setLastLogin.bind(lastLogin, userId, digest)]),
              selectOutcome.bind(digest, userId, password),
            ]),
          )
        ).at(-1)?.results ?? [];
      if (!outcome) return undefined;
      return outcome.stored === 1 ? token : 'token-limit';
    },

    async listTokens(userId, now) {
      const [knox, plain] = await runRead(() =>
        d1.batch<ListedToken & { key: string }>([
          selectTokens.bind(userId, now),
          selectPlain.bind(userId),
        ]),
      );
      const tokens: ListedToken[] = (knox?.results ?? []).sort((one, other) =>
        one.created < other.created ? 1 : -1,
      );
      const plainTokens = (plain?.results ?? []).map(({ key, created }) => ({
        ...storedToken(key),
        created,
      }));
      return [...tokens.slice(0, MAX_LISTED), ...plainTokens];
    },

    insertTokenOfUsername({ key, created, expiry = null }, username) {
      const { digest, token_key } = storedToken(key);
      return insertOfUsername.bind(digest, created, expiry, token_key, username);
    },

    insertTokenIfPassword({ key, created, expiry = null }, id, password) {
      const { digest, token_key } = storedToken(key);
      return insertIfPassword.bind(digest, created, expiry, token_key, id, password);
    },
  };
}

/** Changes of knox's tokens after the response to a request. */
export function knoxUpkeepQueries(d1: D1Database) {
  const renew = d1.prepare(
    'update knox_authtoken set expiry = ?3 where digest = ?1 and expiry = ?2',
  );
  const deleteExpired = d1.prepare('delete from knox_authtoken where digest = ?1 and expiry < ?2');
  const deleteExpiredSample = d1.prepare(DELETE_EXPIRED_SAMPLE);

  return {
    /**
     * Sets the expiry of a token if it is still `from` (compare-and-swap). So requests at the same time
     * write once, and a token that was deleted does not come back.
     */
    async renewToken(key: string, from: string, to: string): Promise<void> {
      await runWriteWithRetry(() => renew.bind(storedToken(key).digest, from, to).run());
    },

    /** Deletes a token if it has expired. Another request may have renewed it. */
    async deleteExpiredToken(key: string, now: string): Promise<void> {
      await runWriteWithRetry(() => deleteExpired.bind(storedToken(key).digest, now).run());
    },

    /**
     * Looks at the next rows in the order of digests, and deletes those that have expired. Digests are
     * random. So with a random start, logins keep the share of expired tokens in the table low, also of
     * users who never come back.
     *
     * @param start hexadecimal digits
     */
    async deleteExpiredSample(start: string, now: string): Promise<void> {
      await runWriteWithRetry(() => deleteExpiredSample.bind(start, now).run());
    },
  };
}
