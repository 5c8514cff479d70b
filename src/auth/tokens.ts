/**
 * Tokens, and the authentication of requests by a token (rest_framework/authtoken/models.py,
 * rest_framework/authentication.py).
 */
import { djangoDatetime, parseDjangoDatetime } from '../lib/django-datetime.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Unavailable } from '../lib/service-unavailable.ts';
import type { Settings } from '../settings.ts';
import type { PlainToken } from '../store/stored-token.ts';
import type { FoundUser } from '../store/users.ts';
import type { User } from './users.ts';

export type Token = PlainToken;

/** Runs work after the response to the request. */
export type RunAfterResponse = (work: () => Promise<void>) => void;

/** The user has as many tokens as `TOKEN_LIMIT_PER_USER` allows. */
export type TokenLimitExceeded = { kind: 'token-limit-exceeded' };

type LoginOfUser = {
  /** `store.revocations()` when the user was read. */
  revocations: number;
  /** The new last login, as Django's datetime string; undefined if it does not change. */
  lastLogin: string | undefined;
};

/**
 * @internal A token model (`TOKEN_MODEL`): the rules by which tokens are created, found and refreshed. Revocation is
 * the same for each model.
 */
export type TokenModel = {
  /** Creates a token, which is not stored yet. */
  newToken: () => Token;

  /**
   * Finds the token and user of a key; undefined if there is none.
   *
   * @param lookUp `findToken` of the store by default
   */
  find: (
    key: string,
    runAfterResponse: RunAfterResponse,
    lookUp?: FindToken,
  ) => Promise<Authenticated | undefined>;

  /**
   * Returns the token of a login whose password was verified. Stores a new one if it is needed.
   *
   * @returns undefined if the password has changed, or the user is deleted or inactive
   */
  logIn: (
    user: FoundUser,
    login: LoginOfUser,
  ) => Promise<Result<Token, TokenLimitExceeded> | undefined>;

  /** When a token expires, as Django's datetime text; null if it does not. */
  expiryOf: (token: Omit<Token, 'key'>) => string | null;

  /** Deletes some expired tokens, a bounded number. Run it after a login. Undefined: none are kept. */
  removeExpired: (() => Promise<void>) | undefined;
};

const DAY_MS = 24 * 60 * 60 * 1000;

/** Tokens created before this datetime have expired. '' if tokens do not expire. */
export const expiryDate = (maxAgeDays: number | undefined): string =>
  maxAgeDays === undefined ? '' : djangoDatetime(new Date(Date.now() - maxAgeDays * DAY_MS));

/** When a token of DRF expires by its age; null if tokens do not. */
export const ageExpiry = (created: string, maxAgeDays: number | undefined): string | null =>
  maxAgeDays === undefined
    ? null
    : djangoDatetime(new Date(parseDjangoDatetime(created).getTime() + maxAgeDays * DAY_MS));

/**
 * Whether a token of DRF is too old. A token of knox has its own expiry. Django's datetime strings sort
 * by time.
 */
export const isExpired = (token: Omit<Token, 'key'>, maxAgeDays: number | undefined): boolean =>
  token.expiry === undefined && token.created < expiryDate(maxAgeDays);

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

/** The words of an Authorization header (`get_authorization_header(request).split()`). */
export const headerWords = (authorization: string | undefined): string[] =>
  (authorization ?? '').split(ASCII_WHITE_SPACE).filter(Boolean);

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
  const [scheme, key, ...rest] = headerWords(authorization);
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
