/** Translates failures to HTTP responses: status, DRF's message, headers. */
import type { Context } from 'hono';
import type { StaleLink } from '../auth/activation.ts';
import type { InvalidLink } from '../auth/password-reset.ts';
import type { ActRefusal } from '../auth/staff-permissions.ts';
import type {
  AuthenticationFailure,
  AuthenticationFailureReason,
  HeaderFailure,
  TokenLimitExceeded,
} from '../auth/tokens.ts';
import { logFault } from '../lib/log.ts';
import { ServiceUnavailable, type Unavailable } from '../lib/service-unavailable.ts';
import type {
  ParseErrorReason,
  ParseFailure,
  ValidationErrors,
  ValidationFailure,
} from '../validation/failure.ts';
import type { AppContext } from './context.ts';
import { missingTablesHint } from './missing-tables.ts';

/** A login by `Authorization: Basic` was refused. */
export type BasicFailure = { kind: 'basic-authentication-failed'; reason: BasicFailureReason };

type BasicFailureReason =
  | 'no-credentials'
  | 'credentials-contain-spaces'
  | 'credentials-not-base64'
  | 'invalid-credentials';

/** The user is in a state that does not allow the act of the route, whose sentence this is. */
type Conflict = { kind: 'conflict'; detail: string };

export type Failure =
  | ParseFailure
  | ValidationFailure
  | AuthenticationFailure
  | Unavailable
  | InvalidLink
  | StaleLink
  | TokenLimitExceeded
  | BasicFailure
  | { kind: 'throttled'; waitSeconds: number | undefined }
  | { kind: 'body-too-large' }
  | { kind: 'username-taken' }
  | { kind: 'invalid-credentials' }
  | { kind: 'invalid-password' }
  | { kind: 'password-mismatch' }
  | { kind: 'username-mismatch' }
  | ActRefusal
  | Conflict
  | { kind: 'password-refused'; field: string; messages: string[] }
  | { kind: 'user-referenced' }
  | { kind: 'not-found' }
  | { kind: 'not-acceptable' }
  | { kind: 'method-not-allowed'; allowed: string[] };

/**
 * django/contrib/auth/models.py `AbstractUser.username`, rest_framework/authtoken/serializers.py.
 */
export const USERNAME_TAKEN = 'A user with that username already exists.';
export const UNABLE_TO_LOG_IN = 'Unable to log in with provided credentials.';

/** djoser/constants.py, `Messages.PASSWORD_MISMATCH_ERROR`; dj-rest-auth's `RegisterSerializer`. */
const PASSWORD_MISMATCH = "The two password fields didn't match.";

/** djoser/constants.py, `Messages.USERNAME_MISMATCH_ERROR`. */
const USERNAME_MISMATCH = "The two username fields didn't match.";

/** rest_framework/exceptions.py, `PermissionDenied`. */
export const PERMISSION_DENIED = 'You do not have permission to perform this action.';

/** A `PermissionDenied` with a reason. */
const OWN_ACCOUNT = 'You cannot deactivate, delete or change the rights of your own account.';

/** knox/views.py, `LoginView.post`. Its key is not `detail`. */
export const TOKEN_LIMIT_EXCEEDED = 'Maximum amount of tokens allowed per user exceeded.';

/** rest_framework/exceptions.py, `Throttled`. No time follows if waiting does not help. */
const THROTTLED = 'Request was throttled.';

/** RFC 9110 §11.6.1 requires it with every 401 (`TokenAuthentication.authenticate_header`). */
const wwwAuthenticate = (keyword: string) => ({ 'WWW-Authenticate': keyword });

/** When a client may retry. An unavailable database or a full hashing queue often recovers at once. */
const UNAVAILABLE_SECONDS = 1;
export const RETRY_AFTER = { 'Retry-After': String(UNAVAILABLE_SECONDS) };

/** The text after the hyphen is not the parser's message, which would contain parts of the body. */
const PARSE_ERRORS: Record<ParseErrorReason, string> = {
  json: 'JSON parse error - The body is not valid JSON.',
  'json-encoding': 'JSON parse error - The body is not valid UTF-8.',
  'too-many-fields': 'The body has too many fields.',
  // `ParseError.default_detail`.
  incomplete: 'Malformed request.',
};

/** rest_framework/authentication.py, `TokenAuthentication`. DRF has no `token-expired`. */
const AUTHENTICATION_FAILURES: Record<AuthenticationFailureReason, string> = {
  'no-credentials': 'Invalid token header. No credentials provided.',
  'token-contains-spaces': 'Invalid token header. Token string should not contain spaces.',
  'token-contains-invalid-characters':
    'Invalid token header. Token string should not contain invalid characters.',
  'invalid-token': 'Invalid token.',
  'user-inactive': 'User inactive or deleted.',
  'token-expired': 'Token has expired.',
};

/** rest_framework/authentication.py, `BasicAuthentication`. */
const BASIC_FAILURES: Record<BasicFailureReason, string> = {
  'no-credentials': 'Invalid basic header. No credentials provided.',
  'credentials-contain-spaces':
    'Invalid basic header. Credentials string should not contain spaces.',
  'credentials-not-base64': 'Invalid basic header. Credentials not correctly base64 encoded.',
  'invalid-credentials': 'Invalid username/password.',
};

/** `BasicAuthentication.authenticate_header`. */
const BASIC_REALM = 'Basic realm="api"';

/**
 * The response to a failure (rest_framework/exceptions.py; views.py, `exception_handler`).
 */
export function errorResponse(c: AppContext, failure: Failure) {
  switch (failure.kind) {
    case 'parse-error':
      return c.json({ detail: PARSE_ERRORS[failure.reason] }, 400);
    case 'invalid-boundary': {
      const detail = `Multipart form parse error - Invalid boundary in multipart: ${failure.boundary}`;
      return c.json({ detail }, 400);
    }
    case 'unsupported-media-type':
      return c.json({ detail: `Unsupported media type "${failure.mediaType}" in request.` }, 415);
    case 'body-too-large':
      return c.json({ detail: 'Request body is too large.' }, 413);
    case 'validation-error':
      return invalid(c, failure.errors);
    case 'username-taken':
      return invalid(c, { username: [USERNAME_TAKEN] });
    case 'invalid-password':
      return invalid(c, { current_password: ['Invalid password.'] });
    case 'password-mismatch':
      return invalid(c, { non_field_errors: [PASSWORD_MISMATCH] });
    case 'username-mismatch':
      return invalid(c, { non_field_errors: [USERNAME_MISMATCH] });
    case 'permission-denied':
      return c.json({ detail: PERMISSION_DENIED }, 403);
    case 'own-account':
      return c.json({ detail: OWN_ACCOUNT }, 403);
    case 'last-superuser':
      return c.json({ detail: 'No active superuser would be left.' }, 409);
    case 'conflict':
      return c.json({ detail: failure.detail }, 409);
    case 'password-refused':
      return invalid(c, { [failure.field]: failure.messages });
    case 'invalid-credentials': {
      const headers = wwwAuthenticate(c.var.settings.authHeaderKeyword);
      return c.json({ valid: false, detail: UNABLE_TO_LOG_IN }, 401, headers);
    }
    case 'not-authenticated':
    case 'authentication-failed': {
      const keyword = c.var.settings.authHeaderKeyword;
      return authenticationErrorResponse(c, { ...failure, keyword });
    }
    case 'unavailable':
      return authenticationErrorResponse(c, failure);
    case 'basic-authentication-failed': {
      const detail = BASIC_FAILURES[failure.reason];
      return c.json({ detail }, 401, wwwAuthenticate(BASIC_REALM));
    }
    // djoser/constants.py, `Messages`.
    case 'invalid-uid':
      return invalid(c, { uid: ["Invalid user id or user doesn't exist."] });
    case 'invalid-link-token':
    case 'inactive-user':
      return invalid(c, { token: ['Invalid token for given user.'] });
    case 'stale-link':
      return c.json({ detail: 'Stale token for given user.' }, 403);
    case 'token-limit-exceeded':
      return c.json({ error: TOKEN_LIMIT_EXCEEDED }, 403);
    case 'user-referenced':
      return c.json({ detail: 'This user cannot be deleted: other records refer to it.' }, 409);
    case 'throttled': {
      const { waitSeconds } = failure;
      if (waitSeconds === undefined) return c.json({ detail: THROTTLED }, 429);
      const seconds = waitSeconds === 1 ? 'second' : 'seconds';
      const detail = `${THROTTLED} Expected available in ${waitSeconds} ${seconds}.`;
      return c.json({ detail }, 429, { 'Retry-After': String(waitSeconds) });
    }
    case 'not-found':
      return c.json({ detail: 'Not found.' }, 404);
    case 'not-acceptable':
      return c.json({ detail: 'Could not satisfy the request Accept header.' }, 406);
    case 'method-not-allowed': {
      const detail = `Method "${c.req.method}" not allowed.`;
      return c.json({ detail }, 405, { Allow: failure.allowed.join(', ') });
    }
    default:
      return failure satisfies never;
  }
}

/** The response to a failed authentication, also for `tokenAuthentication` in other Workers. */
export function authenticationErrorResponse(c: Context, failure: HeaderFailure | Unavailable) {
  switch (failure.kind) {
    case 'not-authenticated': {
      const detail = 'Authentication credentials were not provided.';
      return c.json({ detail }, 401, wwwAuthenticate(failure.keyword));
    }
    case 'authentication-failed': {
      const detail = AUTHENTICATION_FAILURES[failure.reason];
      return c.json({ detail }, 401, wwwAuthenticate(failure.keyword));
    }
    case 'unavailable': {
      const detail = 'Service temporarily unavailable, try again later.';
      return c.json({ detail }, 503, RETRY_AFTER);
    }
    default:
      return failure satisfies never;
  }
}

const invalid = (c: Context, errors: ValidationErrors) => c.json(errors, 400);

/**
 * The response to a thrown error: 503 for `ServiceUnavailable`, 500 for bugs. The error is logged.
 * Its message is not returned. A developer is told to run the migrations if the tables are missing.
 */
export function onError(error: Error, c: Context): Response {
  const hint = missingTablesHint(error, c);
  logFault(error, hint.forLog);
  if (error instanceof ServiceUnavailable) return errorResponse(c, { kind: 'unavailable' });
  return c.json(
    { detail: ['A server error occurred.', hint.forClient].filter(Boolean).join(' ') },
    500,
  );
}
