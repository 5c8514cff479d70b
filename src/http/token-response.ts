import type { Context, TypedResponse } from 'hono';
import type { JSONParsed } from 'hono/utils/types';
import type { Token } from '../auth/tokens.ts';
import type { User } from '../auth/users.ts';
import { isoDatetime } from '../lib/django-datetime.ts';
import type { AppContext } from './context.ts';
import { NO_STORE } from './no-store.ts';

type TokenResponse<T, Status extends 200 | 201> = Response &
  TypedResponse<JSONParsed<T>, Status, 'json'>;

/** A response with a token. It must not be cached (as in RFC 6749 §5.1). */
export const tokenResponse = <const T extends object, Status extends 200 | 201>(
  c: Context,
  body: T,
  status: Status,
): TokenResponse<T, Status> => c.json(body, status, NO_STORE);

/** When a token expires, as DRF's `DateTimeField` writes it; null if it does not. */
export function expiryOf(c: AppContext, token: Token): string | null {
  const expiry = c.var.tokens.expiryOf(token);
  return expiry === null ? null : isoDatetime(expiry);
}

/** The values of `TOKEN_RESPONSE_FIELDS` that are not fields of the user. */
const NOT_OF_USER = ['true', 'expiry'];

/**
 * A response to a registration or a login, with the fields of `TOKEN_RESPONSE_FIELDS`.
 *
 * @param body what the response has on its own, besides the token
 * @param known the user of the token, if it is known. Otherwise the fields need one more query
 */
export async function loginResponse<const T extends object, Status extends 200 | 201>(
  c: AppContext,
  token: Token,
  body: T,
  status: Status,
  known?: User,
): Promise<TokenResponse<T & { token: string }, Status>> {
  const { settings, store } = c.var;
  const own = { ...body, token: token.key };
  const fields = settings.tokenResponseFields.map((field) => field.split('='));
  if (fields.length === 0) return tokenResponse(c, own, status);
  const isOfUser = fields.some(([, value = '']) => !NOT_OF_USER.includes(value));
  // Undefined if the token was revoked in the meantime.
  const user = known ?? (isOfUser ? (await store.findToken(token.key))?.user : undefined);
  const values: Record<string, unknown> = { ...user, true: true, expiry: expiryOf(c, token) };
  const added = Object.fromEntries(fields.map(([key, value = '']) => [key, values[value]]));
  const all: typeof own = { ...added, ...own };
  return tokenResponse(c, all, status);
}
