/** Tokens and how a request presents one. After rest_framework/authtoken/models.py and authentication.py. */
import { bytesToHex, randomBytes } from '@noble/hashes/utils.js';
import { err, ok, type Result } from '../result.ts';
import { djangoDatetime } from '../store/columns.ts';

/** Bytes of randomness in a key of ours: 160 bits, 40 hexadecimal digits (`Token.generate_key`). */
const KEY_LENGTH = 20;

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

/** A new token. Its key is 40 lower-case hexadecimal digits; imported ones may be any 40 characters or fewer. */
export const newToken = (): Token => ({
  key: bytesToHex(randomBytes(KEY_LENGTH)),
  created: djangoDatetime(new Date()),
});

const DAY_MS = 24 * 60 * 60 * 1000;

/** The datetime before which tokens that are expired now were created; '' where none ever expires. */
export const expiryDate = (maxAgeDays: number | undefined): string =>
  maxAgeDays === undefined ? '' : djangoDatetime(new Date(Date.now() - maxAgeDays * DAY_MS));

/** Django's datetime texts are in the order of time. */
export const isExpired = (token: Token, maxAgeDays: number | undefined): boolean =>
  token.created < expiryDate(maxAgeDays);

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
  | 'user-inactive'
  | 'token-expired';

/** D1 did not answer. Said in so many words only to those who could not tell by an exception's class. */
export type Unavailable = { kind: 'unavailable' };

/** From an Authorization header, undefined where there is none, to whom it names. */
export type Authenticate = (
  authorization: string | undefined,
) => Promise<Result<Authenticated, AuthenticationFailure | Unavailable>>;

/** What `bytes.split()` splits at in Python: ASCII white space, and no other. */
const ASCII_WHITE_SPACE = /[ \t\n\r\v\f]+/;

/**
 * Identifies a request by its Authorization header, `Token <key>`, with DRF's checks in DRF's order
 * (`TokenAuthentication.authenticate` and `authenticate_credentials`).
 *
 * @param authorization the header's value, undefined where there is none
 * @param findToken called once, and only for a well-formed header
 * @param maxAgeDays after how many days a token expires; undefined: never, as in DRF
 */
export async function authenticate(
  authorization: string | undefined,
  findToken: FindToken,
  maxAgeDays: number | undefined,
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
  if (isExpired(authenticated.token, maxAgeDays)) return failed('token-expired');
  return ok(authenticated);
}

const failed = (reason: AuthenticationFailureReason) =>
  err({ kind: 'authentication-failed' as const, reason });
