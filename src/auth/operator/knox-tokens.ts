/** The tokens of django-rest-knox 5 for the command line (knox/models.py, knox/crypto.py). */
import { sha512 } from '@noble/hashes/sha2.js';
import { bytesToHex, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { djangoDatetime } from '../../lib/django-datetime.ts';
import type { KnoxTokenStore } from '../../store/operator/knox-tokens.ts';
import type { FoundUser } from './users.ts';

/** Characters of `token_key`, the start of a token (knox/settings.py, `TOKEN_KEY_LENGTH` of `CONSTANTS`). */
export const TOKEN_KEY_LENGTH = 15;

/** The same in knox 4, whose digest is not the one of the token's text. knox 5 accepts no such token. */
export const KNOX_4_TOKEN_KEY_LENGTH = 8;

/** Random bytes of a new token: 64 hexadecimal digits (`AUTH_TOKEN_CHARACTER_LENGTH`). */
const TOKEN_BYTES = 32;

/**
 * What the database has of a token (knox/models.py, `AuthTokenManager.create`): its SHA-512 in
 * hexadecimal digits (knox/crypto.py, `hash_token`), and its first characters.
 */
export const storedToken = (token: string): { digest: string; token_key: string } => ({
  digest: bytesToHex(sha512(utf8ToBytes(token))),
  token_key: [...token].slice(0, TOKEN_KEY_LENGTH).join(''),
});

/**
 * Creates a token of a user.
 *
 * @param expiry as Django's datetime text; null if the token does not expire
 * @param reset whether to delete all other tokens of the user
 * @returns the token, which cannot be read again
 */
export async function createKnoxToken(
  store: KnoxTokenStore,
  { id }: FoundUser,
  { expiry, reset }: { expiry: string | null; reset: boolean },
): Promise<string> {
  const token = bytesToHex(randomBytes(TOKEN_BYTES));
  const created = djangoDatetime(new Date());
  await store.insertToken({ ...storedToken(token), created, user_id: id, expiry }, { reset });
  return token;
}
