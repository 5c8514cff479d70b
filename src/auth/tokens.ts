/** Tokens and how a request presents one. After rest_framework/authtoken/models.py and authentication.py. */
import { bytesToHex, randomBytes } from '@noble/hashes/utils.js';
import { err, ok, type Result } from '../result.ts';

/** Bytes of randomness in a key of ours: 160 bits, 40 hexadecimal digits (`Token.generate_key`). */
const KEY_LENGTH = 20;

/** A new key: 40 lower-case hexadecimal digits. Imported keys may be any string of up to 40 characters. */
export const generateKey = (): string => bytesToHex(randomBytes(KEY_LENGTH));

/** Whom a token names: a user without its password. */
export type User = {
  id: number;
  username: string;
  first_name: string;
  last_name: string;
  email: string;
  is_staff: boolean;
  is_superuser: boolean;
  is_active: boolean;
};

export type Token = {
  key: string;
  /** Django's datetime text, UTC. */
  created: string;
};

/** Who asks, and by what: DRF's `request.user` and `request.auth`. */
export type Authenticated = { user: User; token: Token };

/** Finds a key's token and user; undefined where there is none. */
export type FindToken = (key: string) => Promise<Authenticated | undefined>;

/** Why a request is nobody's. `not-authenticated` where it did not try, or not in our scheme. */
export type AuthenticationFailure =
  | { kind: 'not-authenticated' }
  | { kind: 'authentication-failed'; reason: AuthenticationFailureReason };

export type AuthenticationFailureReason =
  | 'no-credentials'
  | 'token-contains-spaces'
  | 'token-contains-invalid-characters'
  | 'invalid-token'
  | 'user-inactive';

/** What `bytes.split()` splits at in Python: ASCII white space, and no other. */
const ASCII_WHITE_SPACE = /[ \t\n\r\v\f]+/;

/**
 * Identifies a request by its Authorization header, `Token <key>`, with DRF's checks in DRF's order
 * (`TokenAuthentication.authenticate` and `authenticate_credentials`).
 *
 * @param authorization the header's value, undefined where there is none
 * @param findToken called once, and only for a well-formed header
 */
export async function authenticate(
  authorization: string | undefined,
  findToken: FindToken,
): Promise<Result<Authenticated, AuthenticationFailure>> {
  const [keyword, key, ...rest] = (authorization ?? '').split(ASCII_WHITE_SPACE).filter(Boolean);
  if (keyword?.toLowerCase() !== 'token') return err({ kind: 'not-authenticated' });
  if (key === undefined) return failed('no-credentials');
  if (rest.length > 0) return failed('token-contains-spaces');
  // The header's bytes must be UTF-8; what the runtime could not decode it has replaced by U+FFFD.
  if (key.includes('\uFFFD')) return failed('token-contains-invalid-characters');

  const authenticated = await findToken(key);
  if (!authenticated) return failed('invalid-token');
  if (!authenticated.user.is_active) return failed('user-inactive');
  return ok(authenticated);
}

const failed = (reason: AuthenticationFailureReason) =>
  err({ kind: 'authentication-failed' as const, reason });
