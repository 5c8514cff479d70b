import type { Context, TypedResponse } from 'hono';
import type { JSONParsed } from 'hono/utils/types';
import type { User } from '../auth/users.ts';
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

/**
 * A response to a registration or a login, with the fields of `TOKEN_RESPONSE_FIELDS`.
 *
 * @param known the user of the token, if it is known. Otherwise the fields need one more query
 */
export async function loginResponse<const T extends { token: string }, Status extends 200 | 201>(
  c: AppContext,
  body: T,
  status: Status,
  known?: User,
): Promise<TokenResponse<T, Status>> {
  const { settings, store } = c.var;
  const fields = settings.tokenResponseFields.map((field) => field.split('='));
  if (fields.length === 0) return tokenResponse(c, body, status);
  const isOfUser = fields.some(([, value]) => value !== 'true');
  // Undefined if the token was revoked in the meantime.
  const user = known ?? (isOfUser ? (await store.findToken(body.token))?.user : undefined);
  const values: Record<string, unknown> = { ...user, true: true };
  const added = Object.fromEntries(fields.map(([key, value = '']) => [key, values[value]]));
  const all: T = { ...added, ...body };
  return tokenResponse(c, all, status);
}
