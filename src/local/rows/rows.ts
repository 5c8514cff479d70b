/** The rows of one user in Django's tables, as they are stored, with their secrets cut short. */
import { PASSWORD_HASHERS } from '../../hashing/identify.ts';
import { normalizeUsername } from '../../validation/normal-form.ts';

type Row = Record<string, string | number | null>;

/** Each table has one row of a user, or none. Of knox's tokens it is the newest. */
export type Rows = Record<'auth_user' | 'authtoken_token' | 'knox_authtoken', Row | undefined>;

/** As many as Django's admin shows (django/contrib/auth/hashers.py, `mask_hash`). */
const SHOWN_CHARACTERS = 6;

const ALGORITHMS: string[] = Object.values(PASSWORD_HASHERS);

export async function rowsOf(db: D1Database, name: string): Promise<Rows> {
  const username = normalizeUsername(name);
  const [users, tokens, knoxTokens] = await db.batch<Row>([
    db.prepare('SELECT * FROM auth_user WHERE username = ?').bind(username),
    db
      .prepare(
        `SELECT authtoken_token.* FROM authtoken_token
         JOIN auth_user ON auth_user.id = authtoken_token.user_id WHERE username = ?`,
      )
      .bind(username),
    db
      .prepare(
        `SELECT knox_authtoken.* FROM knox_authtoken
         JOIN auth_user ON auth_user.id = knox_authtoken.user_id WHERE username = ?
         ORDER BY knox_authtoken.rowid DESC LIMIT 1`,
      )
      .bind(username),
  ]);
  return {
    auth_user: cutShort(users?.results[0]),
    authtoken_token: cutShort(tokens?.results[0]),
    knox_authtoken: cutShort(knoxTokens?.results[0]),
  };
}

const cutShort = (row: Row | undefined): Row | undefined =>
  row &&
  Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      SECRETS[column]?.(String(value)) ?? value,
    ]),
  );

const cut = (secret: string): string =>
  secret.length > SHOWN_CHARACTERS ? `${secret.slice(0, SHOWN_CHARACTERS)}…` : secret;

/** Cuts salt and hash, and keeps the algorithm and its work factor. */
const cutPassword = (encoded: string): string =>
  encoded
    .split('$')
    .map((part) => (ALGORITHMS.includes(part) || /^\d+$/.test(part) ? part : cut(part)))
    .join('$');

const SECRETS: Record<string, (value: string) => string> = {
  password: cutPassword,
  key: cut,
  digest: cut,
  token_key: cut,
};
