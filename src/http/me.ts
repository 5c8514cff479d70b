import type { Context } from 'hono';
import type { TokenAuthenticationVariables } from './token-authentication.ts';

/** `GET /me` → 200 `{id, username, first_name, last_name, email}` of the token's user. */
export function me(c: Context<{ Variables: TokenAuthenticationVariables }>) {
  const { id, username, first_name, last_name, email } = c.var.user;
  return c.json({ id, username, first_name, last_name, email });
}
