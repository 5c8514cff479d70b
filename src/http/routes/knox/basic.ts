/** Reads `Authorization: Basic` (rest_framework/authentication.py, `BasicAuthentication`; RFC 7617 §2). */
import { headerWords } from '../../../auth/tokens.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import type { BasicFailure } from '../../errors.ts';

/** Whether a header has this scheme, in any case. */
export const isBasic = (authorization: string | undefined): boolean =>
  headerWords(authorization)[0]?.toLowerCase() === 'basic';

/** The name and the password of a header with this scheme. The name is not trimmed. */
export function readBasic(
  authorization: string | undefined,
): Result<{ username: string; password: string }, BasicFailure> {
  const [, encoded, ...rest] = headerWords(authorization);
  if (encoded === undefined) return failed('no-credentials');
  if (rest.length > 0) return failed('credentials-contain-spaces');
  const decoded = decode(encoded) ?? '';
  const colon = decoded.indexOf(':');
  // DRF 3.18. Before, a text without a colon was a name without a password.
  if (colon < 0) return failed('credentials-not-base64');
  return ok({ username: decoded.slice(0, colon), password: decoded.slice(colon + 1) });
}

const failed = (reason: BasicFailure['reason']) =>
  err<BasicFailure>({ kind: 'basic-authentication-failed', reason });

/** UTF-8, or else Latin-1; undefined if it is not base64. */
function decode(base64: string): string | undefined {
  let latin1: string;
  try {
    latin1 = atob(base64);
  } catch {
    return undefined;
  }
  const bytes = Uint8Array.from(latin1, (character) => character.charCodeAt(0));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return latin1;
  }
}
