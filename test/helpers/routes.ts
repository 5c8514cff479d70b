/** Routes by what they do. A test that runs over them includes each new one. */
import { env } from 'cloudflare:workers';
import { ROUTES } from '../../src/app.ts';
import type { Route } from '../../src/http/route.ts';
import { parseSettings } from '../../src/settings.ts';
import { concretePath } from './client.ts';

const settings = parseSettings({});

/** The paths at which a user logs in. */
export const LOGIN_PATHS = ROUTES.filter(
  ({ access: { rateLimit } }) => rateLimit === 'login-address',
).map(({ path }) => path);

/** The field for the current password of the user of the token. */
const CURRENT = /^(?:current|old)_password$/;

/** The routes that check the current password of a user with a token. */
export const PASSWORD_ROUTES: Route[] = ROUTES.filter(
  ({ access, bodySchema }) =>
    access.requiresUser &&
    Object.keys(bodySchema?.(settings).entries ?? {}).some((field) => CURRENT.test(field)),
);

/** A body for each of those routes. They ignore the fields that they do not have. */
export const passwordBody = (password: string, rest: object = {}) => ({
  current_password: password,
  old_password: password,
  new_password: 'a new pw',
  new_password1: 'a new pw',
  new_password2: 'a new pw',
  new_username: `new-${crypto.randomUUID()}`,
  email: `new-${crypto.randomUUID()}@example.com`,
  ...rest,
});

/** The path of a route about the user of a token. */
export async function pathOfOwner({ path }: Route, token: string): Promise<string> {
  const query = env.DB.prepare('SELECT user_id FROM authtoken_token WHERE key = ?');
  return concretePath(path, (await query.bind(token).first<number>('user_id')) ?? 0);
}
