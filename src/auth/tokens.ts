/**
 * Tokens and how a request presents one. After rest_framework/authtoken/models.py and
 * authentication.py.
 */
import { bytesToHex, randomBytes } from '@noble/hashes/utils.js';
import { djangoDatetime } from '../lib/django-datetime.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Unavailable } from '../lib/service-unavailable.ts';
import type { User } from './users.ts';

/** Bytes of randomness in a key of ours: 160 bits, 40 hexadecimal digits (`Token.generate_key`). */
const KEY_LENGTH = 20;

export type Token = {
  key: string;
  /** Django's datetime text, UTC. */
  created: string;
};

/**
 * A new token. Its key is 40 lower-case hexadecimal digits. Imported keys are any 1 to 40
 * characters.
 */
export const newToken = (): Token => ({
  key: bytesToHex(randomBytes(KEY_LENGTH)),
  created: djangoDatetime(new Date()),
});

const DAY_MS = 24 * 60 * 60 * 1000;

/** Tokens created before this datetime are expired now. '' where tokens don't expire. */
export const expiryDate = (maxAgeDays: number | undefined): string =>
  maxAgeDays === undefined ? '' : djangoDatetime(new Date(Date.now() - maxAgeDays * DAY_MS));

/** Django's datetime texts are in the order of time. */
export const isExpired = (token: Token, maxAgeDays: number | undefined): boolean =>
  token.created < expiryDate(maxAgeDays);

/** Who asks, and by what: DRF's `request.user` and `request.auth`. */
export type Authenticated = { user: User; token: Token };

/** Finds a key's token and user; undefined where there is none. */
export type FindToken = (key: string) => Promise<Authenticated | undefined>;

/** Why a request has no user. `not-authenticated`: it has no header, or one of another scheme. */
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

/**
 * From an Authorization header, undefined where there is none, to the user it names. `unavailable`
 * comes only over RPC; within this Worker a `ServiceUnavailable` is thrown.
 */
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
  // The header's bytes must be UTF-8. The runtime puts U+FFFD in the place of what is not.
  if (key.includes('\uFFFD')) return failed('token-contains-invalid-characters');

  const authenticated = await findToken(key);
  if (!authenticated) return failed('invalid-token');
  if (!authenticated.user.is_active) return failed('user-inactive');
  if (isExpired(authenticated.token, maxAgeDays)) return failed('token-expired');
  return ok(authenticated);
}

const failed = (reason: AuthenticationFailureReason) =>
  err({ kind: 'authentication-failed' as const, reason });
