/**
 * Tokens, and the authentication of requests by a token (rest_framework/authtoken/models.py,
 * rest_framework/authentication.py).
 */
import { bytesToHex, randomBytes } from '@noble/hashes/utils.js';
import { djangoDatetime } from '../lib/django-datetime.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Unavailable } from '../lib/service-unavailable.ts';
import type { Settings } from '../settings.ts';
import type { User } from './users.ts';

/** Random bytes in a new key: 160 bits, 40 hexadecimal digits (`Token.generate_key`). */
const KEY_LENGTH = 20;

export type Token = {
  key: string;
  /** Django's datetime text, UTC. */
  created: string;
};

/**
 * Creates a token. Its key is 40 lower-case hexadecimal digits. An imported key may be any 1 to 40
 * characters.
 */
export const newToken = (): Token => ({
  key: bytesToHex(randomBytes(KEY_LENGTH)),
  created: djangoDatetime(new Date()),
});

const DAY_MS = 24 * 60 * 60 * 1000;

/** Tokens created before this datetime have expired. '' if tokens do not expire. */
export const expiryDate = (maxAgeDays: number | undefined): string =>
  maxAgeDays === undefined ? '' : djangoDatetime(new Date(Date.now() - maxAgeDays * DAY_MS));

/** Django's datetime strings sort by time. */
export const isExpired = (token: Token, maxAgeDays: number | undefined): boolean =>
  token.created < expiryDate(maxAgeDays);

/** The user and token of a request: DRF's `request.user` and `request.auth`. */
export type Authenticated = { user: User; token: Token };

/** Finds the token and user of a key; undefined if there is none. */
export type FindToken = (key: string) => Promise<Authenticated | undefined>;

/**
 * The reason why a request has no user. `not-authenticated`: it has no Authorization header, or one
 * with another scheme.
 */
export type AuthenticationFailure =
  | { kind: 'not-authenticated' }
  | { kind: 'authentication-failed'; reason: AuthenticationFailureReason };

/** With the scheme that the header should have, for `WWW-Authenticate`. */
export type HeaderFailure = AuthenticationFailure & { keyword: string };

export type AuthenticationFailureReason =
  | 'no-credentials'
  | 'token-contains-spaces'
  | 'token-contains-invalid-characters'
  | 'invalid-token'
  | 'user-inactive'
  | 'token-expired';

/**
 * Authenticates the Authorization header of a request; undefined if it has none. `unavailable` is
 * returned only over RPC. Within this Worker a `ServiceUnavailable` is thrown.
 */
export type Authenticate = (
  authorization: string | undefined,
) => Promise<Result<Authenticated, HeaderFailure | Unavailable>>;

/** The separators of Python's `bytes.split()`: ASCII white space only. */
const ASCII_WHITE_SPACE = /[ \t\n\r\v\f]+/;

/**
 * Authenticates a request by its Authorization header, such as `Token <key>`, with DRF's checks in
 * DRF's order (`TokenAuthentication.authenticate` and `authenticate_credentials`).
 *
 * @param authorization the header's value; undefined if it is missing
 * @param findToken called at most once, and only for a well-formed header
 * @param settings `authHeaderKeyword` may be in any case in a request. `tokenMaxAgeDays` is the
 *   lifetime of a token; undefined: it never expires, as in DRF
 */
export async function authenticate(
  authorization: string | undefined,
  findToken: FindToken,
  {
    authHeaderKeyword: keyword,
    tokenMaxAgeDays,
  }: Pick<Settings, 'authHeaderKeyword' | 'tokenMaxAgeDays'>,
): Promise<Result<Authenticated, HeaderFailure>> {
  const failed = (reason: AuthenticationFailureReason) =>
    err({ kind: 'authentication-failed' as const, reason, keyword });
  const [scheme, key, ...rest] = (authorization ?? '').split(ASCII_WHITE_SPACE).filter(Boolean);
  if (scheme?.toLowerCase() !== keyword.toLowerCase()) {
    return err({ kind: 'not-authenticated', keyword });
  }
  if (key === undefined) return failed('no-credentials');
  if (rest.length > 0) return failed('token-contains-spaces');
  // The header must be UTF-8. The runtime replaces invalid bytes by U+FFFD.
  if (key.includes('\uFFFD')) return failed('token-contains-invalid-characters');

  const authenticated = await findToken(key);
  if (!authenticated) return failed('invalid-token');
  if (!authenticated.user.is_active) return failed('user-inactive');
  if (isExpired(authenticated.token, tokenMaxAgeDays)) return failed('token-expired');
  return ok(authenticated);
}
