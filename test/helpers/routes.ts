/** Routes by what they do. A test that runs over them includes each new one. */
import { env } from 'cloudflare:workers';
import { routesOf } from '../../src/app.ts';
import type { Route } from '../../src/http/route.ts';
import { admin } from '../../src/http/routes/admin/routes.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { parseSettings } from '../../src/settings.ts';
import { concretePath, newName } from './client.ts';

/** The routes of the Worker. */
export const ROUTES = routesOf({ admin });

const settings = parseSettings({});

const KNOX = { TOKEN_MODEL: 'knox.AuthToken' };

/** The same bindings, with the settings without which a path does not exist. */
export const withPath = (path: string, bindings: Bindings): Bindings =>
  path.startsWith('/knox/') ? { ...bindings, ...KNOX } : bindings;

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
  is_staff: false,
  is_superuser: false,
  ...rest,
});

/**
 * The path of a route that the user of a token may change a user by: the user, or for the staff page
 * another user. Then the user of the token becomes a superuser.
 */
export async function pathToChange({ path }: Route, token: string): Promise<string> {
  const owner = env.DB.prepare('SELECT user_id FROM authtoken_token WHERE key = ?').bind(token);
  const id = (await owner.first<number>('user_id')) ?? 0;
  if (!path.startsWith('/admin/')) return concretePath(path, id);
  const raise = env.DB.prepare('UPDATE auth_user SET is_staff = 1, is_superuser = 1 WHERE id = ?');
  await raise.bind(id).run();
  const copy = env.DB.prepare(
    `INSERT INTO auth_user (password, is_superuser, username, last_name, email, is_staff, is_active, date_joined, first_name)
     SELECT password, 0, ?, last_name, email, 0, 1, date_joined, first_name FROM auth_user WHERE id = ? RETURNING id`,
  );
  return concretePath(path, (await copy.bind(newName(), id).first<number>('id')) ?? 0);
}
