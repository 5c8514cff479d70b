/** A token, and the parts of it that knox stores instead (knox/crypto.py, knox/models.py). */
import { sha512 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** A token as a request has it. */
export type PlainToken = {
  key: string;
  /** Django's datetime text, UTC. */
  created: string;
  /** The same, of a token of knox; null if it does not expire. A token of DRF has none. */
  expiry?: string | null;
};

/** Characters of `token_key` (knox/settings.py, `CONSTANTS.TOKEN_KEY_LENGTH`). */
export const TOKEN_KEY_LENGTH = 15;

/**
 * The digest of a token, and its first characters. The digest is that of the token's text, not of the
 * bytes that it spells (`hash_token`, `AuthTokenManager.create`). Python counts code points.
 */
export const storedToken = (token: string): { digest: string; token_key: string } => ({
  digest: bytesToHex(sha512(utf8ToBytes(token))),
  token_key: [...token.slice(0, 2 * TOKEN_KEY_LENGTH)].slice(0, TOKEN_KEY_LENGTH).join(''),
});
