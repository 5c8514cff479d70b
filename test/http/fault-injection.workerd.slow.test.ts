/**
 * D1 fails at each round trip of each route: before the query, after it (the result is lost),
 * or with a permanent error. No change is saved in part or reported without being saved.
 */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { makePassword } from '../../src/hashing/hashers.ts';
import { toTemplate } from '../../src/http/route.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { storedToken } from '../../src/store/stored-token.ts';
import { tokenIdOf } from '../../src/store/tokens.ts';
import { getAs, newName, post, register, sendAs } from '../helpers/client.ts';
import { interceptD1 } from '../helpers/intercept-d1.ts';
import { linkFor, withMailbox } from '../helpers/mailbox.ts';
import { ROUTES } from '../helpers/routes.ts';

type Way = 'before' | 'after' | 'instead';

const LOST = 'D1_ERROR: Network connection lost.';
const BUG = 'D1_ERROR: no such column: nope: SQLITE_ERROR';

/** Bindings whose D1 fails at some round trips, counted from 0. */
function failingAt(fails: (roundTrip: number) => boolean, way: Way) {
  let roundTrips = 0;
  const DB = interceptD1(env.DB, {
    around: async ({ run }) => {
      if (!fails(roundTrips++)) return run();
      if (way === 'instead') throw new Error(BUG);
      if (way === 'after') await run();
      throw new Error(LOST);
    },
  });
  const { bindings } = withMailbox({ DB });
  return { bindings, roundTripCount: () => roundTrips };
}

const state = (username: string) =>
  env.DB.prepare(
    `SELECT u.password, u.first_name, u.email, t.key FROM auth_user u
       LEFT JOIN authtoken_token t ON t.user_id = u.id WHERE u.username = ?`,
  )
    .bind(username)
    .first<{ password: string; first_name: string; email: string; key: string | null }>();

/** The longest time before the retry of a write (src/store/d1-errors.ts). Timeouts are longer. */
const RETRY_DELAY_MS = 100;

/** Retries without waiting: each test has several. */
function retryWithoutDelay() {
  const { setTimeout } = globalThis;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation((run: () => void, ms = 0) =>
    setTimeout(run, ms <= RETRY_DELAY_MS ? 0 : ms),
  );
}

let logs: MockInstance[];
beforeEach(() => {
  retryWithoutDelay();
  logs = [vi.spyOn(console, 'log'), vi.spyOn(console, 'error')];
  for (const log of logs) log.mockImplementation(() => {});
});

const NEW_PASSWORD = 'New-secret';
const PASSWORD = 'Old-secret';
const ADDRESS = 'secret@example.com';

type Route = {
  name: string;
  /** Creates the user of the request, unless the route creates it. */
  arrange: (username: string) => Promise<string>;
  act: (username: string, token: string, bindings: Bindings) => Promise<Response>;
  /** The status after one transient failure, per round trip. A write is retried. */
  once: number[];
  /** The round trips after the response. */
  afterResponse?: number[];
  /** Checks the stored data after any failure. */
  check: (username: string, token: string, response: Response) => Promise<void>;
};

const registered = (username: string) => register(username, PASSWORD);

const KNOX = { TOKEN_MODEL: 'knox.AuthToken' };

const registeredWithKnox = (username: string) =>
  register(username, PASSWORD, { ...withMailbox().bindings, ...KNOX });

/** A row for each token of knox that the user has, or one row without. No row if there is no such user. */
const knoxLogins = async (username: string) =>
  (
    await env.DB.prepare(
      `SELECT last_login, digest FROM auth_user LEFT JOIN knox_authtoken ON user_id = id
        WHERE username = ?`,
    )
      .bind(username)
      .all<{ last_login: string | null; digest: string | null }>()
  ).results;

/** Creates a user who waits for activation. */
async function waiting(username: string) {
  const token = await registered(username);
  await env.DB.batch([
    env.DB.prepare('DELETE FROM authtoken_token WHERE key = ?').bind(token),
    env.DB.prepare('UPDATE auth_user SET is_active = 0 WHERE username = ?').bind(username),
  ]);
  return '';
}

/** Creates a user who is staff. */
async function staff(username: string) {
  const token = await registered(username);
  await env.DB.prepare('UPDATE auth_user SET is_staff = 1 WHERE username = ?').bind(username).run();
  return token;
}

/** Creates a user who is staff and a superuser. */
async function superuser(username: string) {
  const token = await staff(username);
  const raise = 'UPDATE auth_user SET is_superuser = 1 WHERE username = ?';
  await env.DB.prepare(raise).bind(username).run();
  return token;
}

const idOf = (username: string) =>
  env.DB.prepare('SELECT id FROM auth_user WHERE username = ?').bind(username).first<number>('id');

async function checkRenamed(username: string, token: string, response: Response) {
  const [old, renamed] = [await state(username), await state(`new-${username}`)];
  expect((old ?? renamed)?.key).toBe(token);
  if (response.status === 204) expect(old).toBeNull();
  else expect(response.status).not.toBe(400);
}

async function checkLoggedOut(username: string, token: string, response: Response) {
  const { key = null } = (await state(username)) ?? {};
  expect([null, token]).toContain(key);
  if (response.status === 204) expect(key).toBeNull();
}

const NEW_PASSWORDS = { new_password1: NEW_PASSWORD, new_password2: NEW_PASSWORD };

async function checkPasswordKeepingToken(username: string, token: string, response: Response) {
  expect((await state(username))?.key).toBe(token);
  const login = (password: string) => post('/login', { username, password });
  const isChanged = (await login(NEW_PASSWORD)).status === 200;
  expect((await login(PASSWORD)).status).toBe(isChanged ? 401 : 200);
  if (response.ok) expect(isChanged).toBe(true);
  else expect(response.status).not.toBe(400);
}

const routes: Route[] = [
  {
    name: 'POST /register',
    once: [201],
    arrange: async () => '',
    act: (username, _, bindings) => post('/register', { username, password: PASSWORD }, bindings),
    check: async (username, _, response) => {
      const stored = await state(username);
      if (stored) expect(stored.key).toMatch(/^[0-9a-f]{40}$/);
      if (response.status === 201) expect(await response.json()).toEqual({ token: stored?.key });
      else expect(response.status).not.toBe(400);
    },
  },
  {
    name: 'POST /login',
    once: [503],
    arrange: registered,
    act: (username, _, bindings) => post('/login', { username, password: PASSWORD }, bindings),
    check: async (username, token, response) => {
      expect((await state(username))?.key).toBe(token);
      if (response.status === 200) expect(await response.json()).toEqual({ valid: true, token });
    },
  },
  {
    name: 'POST /login, with a hash to upgrade',
    once: [503, 200],
    afterResponse: [1],
    arrange: async (username) => {
      const token = await registered(username);
      await env.DB.prepare('UPDATE auth_user SET password = ? WHERE username = ?')
        .bind(await makePassword(PASSWORD, 10), username)
        .run();
      return token;
    },
    act: (username, _, bindings) => post('/login', { username, password: PASSWORD }, bindings),
    check: async (username) => {
      expect((await post('/login', { username, password: PASSWORD })).status).toBe(200);
    },
  },
  {
    name: 'POST /login, without a token',
    once: [503, 200],
    arrange: async (username) => {
      const token = await registered(username);
      await env.DB.prepare('DELETE FROM authtoken_token WHERE key = ?').bind(token).run();
      return token;
    },
    act: (username, _, bindings) => post('/login', { username, password: PASSWORD }, bindings),
    check: async (username, _, response) => {
      const stored = await state(username);
      if (response.status === 200) {
        expect(await response.json()).toEqual({ valid: true, token: stored?.key });
      }
    },
  },
  {
    name: 'GET /me',
    once: [503],
    arrange: registered,
    act: (_, token, bindings) => getAs(token, '/me', bindings),
    check: async (username, _, response) => {
      if (response.status === 200) expect(await response.json()).toMatchObject({ username });
    },
  },
  {
    name: 'PATCH /me',
    once: [503, 200],
    arrange: registered,
    act: (_, token, bindings) => sendAs(token, 'PATCH', '/me', { first_name: 'Ada' }, bindings),
    check: async (username, _, response) => {
      if (response.status === 200) expect((await state(username))?.first_name).toBe('Ada');
    },
  },
  {
    name: 'PATCH /me, with a new email address',
    once: [503, 503, 200],
    arrange: registered,
    act: (_, token, bindings) =>
      sendAs(token, 'PATCH', '/me', { email: ADDRESS, current_password: PASSWORD }, bindings),
    check: async (username, token, response) => {
      const stored = await state(username);
      expect(stored?.key).toBe(token);
      if (response.status === 200) expect(stored?.email).toBe(ADDRESS);
      else expect(response.status).not.toBe(400);
    },
  },
  {
    name: 'POST /password',
    once: [503, 503, 200],
    arrange: registered,
    act: (_, token, bindings) =>
      sendAs(
        token,
        'POST',
        '/password',
        { current_password: PASSWORD, new_password: NEW_PASSWORD },
        bindings,
      ),
    check: async (username, token, response) => {
      const stored = await state(username);
      const login = (password: string) => post('/login', { username, password });
      const changed = (await login(NEW_PASSWORD)).status === 200;
      expect((await login(PASSWORD)).status).toBe(changed ? 401 : 200);
      // The old token dies with the old password, and only then.
      if (changed) expect(stored?.key).not.toBe(token);
      else expect(stored?.key).toBe(token);
      if (response.status === 200) {
        expect(changed).toBe(true);
        expect(await response.json()).toEqual({ token: stored?.key });
      } else {
        expect(response.status).not.toBe(400);
      }
    },
  },
  {
    name: 'POST /logout',
    once: [503, 204],
    arrange: registered,
    act: (_, token, bindings) => sendAs(token, 'POST', '/logout', undefined, bindings),
    check: checkLoggedOut,
  },
  {
    name: 'POST /logoutall',
    once: [503, 204],
    arrange: registered,
    act: (_, token, bindings) => sendAs(token, 'POST', '/logoutall', undefined, bindings),
    check: checkLoggedOut,
  },
  {
    name: 'GET /tokens',
    once: [503, 503],
    arrange: registered,
    act: (_, token, bindings) => getAs(token, '/tokens', bindings),
    check: async (username, token) => expect((await state(username))?.key).toBe(token),
  },
  {
    name: 'DELETE /tokens/{id}',
    once: [503, 503, 204],
    arrange: registered,
    act: (_, token, bindings) =>
      sendAs(token, 'DELETE', `/tokens/${tokenIdOf(storedToken(token))}`, undefined, bindings),
    check: checkLoggedOut,
  },
  {
    name: 'DELETE /me',
    once: [503, 503, 204, 204],
    arrange: registered,
    act: (_, token, bindings) =>
      sendAs(token, 'DELETE', '/me', { current_password: PASSWORD }, bindings),
    check: async (username, token, response) => {
      const stored = await state(username);
      if (stored) expect(stored.key).toBe(token);
      if (response.status === 204) expect(stored).toBeNull();
      const orphans = await env.DB.prepare(
        'SELECT count(*) AS n FROM authtoken_token WHERE user_id NOT IN (SELECT id FROM auth_user)',
      ).first('n');
      expect(orphans).toBe(0);
    },
  },
  {
    name: 'POST /users/reset_password',
    once: [204],
    afterResponse: [0],
    arrange: registered,
    act: (_, __, bindings) => post('/users/reset_password', { email: ADDRESS }, bindings),
    check: async (username, token, response) => {
      expect((await state(username))?.key).toBe(token);
      expect(response.status).toBe(204);
    },
  },
  {
    name: 'POST /users/reset_password_confirm',
    once: [503, 204],
    arrange: registered,
    act: async (username, _, bindings) =>
      post(
        '/users/reset_password_confirm',
        { ...(await linkFor(username)), new_password: NEW_PASSWORD },
        bindings,
      ),
    check: async (username, token, response) => {
      const stored = await state(username);
      const login = (password: string) => post('/login', { username, password });
      const isReset = response.status === 204 || stored?.key !== token;
      // The old token dies with the old password, and only then.
      expect(stored?.key).toBe(isReset ? null : token);
      expect((await login(NEW_PASSWORD)).status).toBe(isReset ? 200 : 401);
      expect((await login(PASSWORD)).status).toBe(isReset ? 401 : 200);
    },
  },
  {
    name: 'POST /users/activation',
    once: [503, 204],
    arrange: waiting,
    act: async (username, _, bindings) =>
      post('/users/activation', await linkFor(username), {
        ...bindings,
        EMAIL_VERIFICATION: 'required',
      }),
    check: async (username, _, response) => {
      const isActive = (await post('/login', { username, password: PASSWORD })).status === 200;
      if (response.status === 204) expect(isActive).toBe(true);
    },
  },
  {
    name: 'POST /users/',
    once: [201],
    arrange: async () => '',
    act: (username, _, bindings) => post('/users/', { username, password: PASSWORD }, bindings),
    check: async (username, _, response) => {
      const stored = await state(username);
      if (stored) expect(stored.key).toMatch(/^[0-9a-f]{40}$/);
      if (response.status === 201) expect(await response.json()).toMatchObject({ username });
      else expect(response.status).not.toBe(400);
    },
  },
  {
    name: 'POST /users/, with a taken username and no password',
    once: [503],
    arrange: registered,
    act: (username, _, bindings) => post('/users/', { username }, bindings),
    check: async (username, token) => expect((await state(username))?.key).toBe(token),
  },
  {
    name: 'GET /users/, for staff',
    once: [503, 503],
    arrange: staff,
    act: (_, token, bindings) => getAs(token, '/users/', bindings),
    check: async (username, _, response) => {
      const listed = expect.arrayContaining([expect.objectContaining({ username })]);
      if (response.status === 200) expect(await response.json()).toEqual(listed);
    },
  },
  {
    name: 'POST /token/login/',
    once: [503, 200],
    arrange: registered,
    act: (username, _, bindings) =>
      post('/token/login/', { username, password: PASSWORD }, bindings),
    check: async (username, token, response) => {
      expect((await state(username))?.key).toBe(token);
      if (response.status === 200) expect(await response.json()).toEqual({ auth_token: token });
      else expect(response.status).not.toBe(400);
    },
  },
  {
    name: 'POST /token/logout/',
    once: [503, 204],
    arrange: registered,
    act: (_, token, bindings) => sendAs(token, 'POST', '/token/logout/', undefined, bindings),
    check: async (username, token, response) => {
      const { key = null } = (await state(username)) ?? {};
      expect([null, token]).toContain(key);
      if (response.status === 204) expect(key).toBeNull();
    },
  },
  {
    name: 'PATCH /users/me/, with a new email address',
    once: [503, 503, 200],
    arrange: registered,
    act: (_, token, bindings) => {
      const body = { email: ADDRESS, current_password: PASSWORD };
      return sendAs(token, 'PATCH', '/users/me/', body, bindings);
    },
    check: async (username, token, response) => {
      const stored = await state(username);
      expect(stored?.key).toBe(token);
      if (response.status === 200) expect(stored?.email).toBe(ADDRESS);
      else expect(response.status).not.toBe(400);
    },
  },
  {
    name: 'PATCH /users/me/, with a new email address to verify',
    once: [503, 503, 200, 200],
    afterResponse: [3],
    arrange: registered,
    act: (_, token, bindings) => {
      const vars = { ...bindings, EMAIL_VERIFICATION: 'required' };
      const body = { email: ADDRESS, current_password: PASSWORD };
      return sendAs(token, 'PATCH', '/users/me/', body, vars);
    },
    check: async (username, token, response) => {
      const stored = await state(username);
      // The token is deleted together with the change, or not at all.
      expect(stored).toMatchObject(
        stored?.email === ADDRESS ? { key: null } : { email: '', key: token },
      );
      if (response.status === 200) expect(stored?.email).toBe(ADDRESS);
      else expect(response.status).not.toBe(400);
    },
  },
  {
    name: 'PUT /users/{id}/, by staff',
    once: [503, 503, 503, 200],
    arrange: staff,
    act: async (username, token, bindings) => {
      await register(`other-${username}`);
      const body = { email: ADDRESS, current_password: PASSWORD };
      return sendAs(token, 'PUT', `/users/${await idOf(`other-${username}`)}/`, body, bindings);
    },
    check: async (username, _, response) => {
      const stored = await state(`other-${username}`);
      expect(stored?.key).not.toBeNull();
      if (response.status === 200) expect(stored?.email).toBe(ADDRESS);
    },
  },
  {
    name: 'DELETE /users/{id}/, by staff',
    once: [503, 503, 503, 204, 204],
    arrange: staff,
    act: async (username, token, bindings) => {
      await register(`other-${username}`);
      const path = `/users/${await idOf(`other-${username}`)}/`;
      return sendAs(token, 'DELETE', path, { current_password: PASSWORD }, bindings);
    },
    check: async (username, token, response) => {
      const other = await state(`other-${username}`);
      if (other) expect(other.key).not.toBeNull();
      if (response.status === 204) expect(other).toBeNull();
      expect((await state(username))?.key).toBe(token);
    },
  },
  ...[
    { method: 'GET', end: '', once: [503, 503] },
    { method: 'PATCH', end: '', once: [503, 503, 200, 503] },
    { method: 'DELETE', end: '', once: [503, 503, 503, 204, 204] },
    { method: 'POST', end: '/activate', once: [503, 503, 200, 503] },
    { method: 'POST', end: '/deactivate', once: [503, 503, 200, 503] },
    { method: 'POST', end: '/end_sessions', once: [503, 503, 200, 503] },
    { method: 'POST', end: '/reset_password', once: [503, 503, 503, 204], afterResponse: [3] },
    { method: 'PUT', end: '/rights', once: [503, 503, 503, 200, 503] },
  ].map(({ method, end, ...rest }) => ({
    ...rest,
    name: `${method} /admin/api/users/{id}${end}`,
    arrange: superuser,
    act: async (username: string, token: string, bindings: Bindings) => {
      const other = `other-${username}`;
      await register(other);
      const address = env.DB.prepare(
        'UPDATE auth_user SET email = username || ? WHERE username = ?',
      );
      await address.bind('@example.com', other).run();
      const path = `/admin/api/users/${await idOf(other)}${end}`;
      const bodies: Record<string, object> = {
        PATCH: { first_name: 'Ada' },
        DELETE: { current_password: PASSWORD },
        PUT: { current_password: PASSWORD, is_staff: true, is_superuser: false },
      };
      return sendAs(token, method, path, bodies[method], bindings);
    },
    check: async (username: string, token: string, response: Response) => {
      const other = await state(`other-${username}`);
      if (response.status === 204 && method === 'DELETE') expect(other).toBeNull();
      if (response.status === 200 && end === '/end_sessions') expect(other?.key).toBeNull();
      if (other && end !== '/end_sessions') expect(other.key).not.toBeNull();
      expect((await state(username))?.key).toBe(token);
    },
  })),
  ...[
    { list: 'users', once: [503, 503] },
    { list: 'checks', once: [503, 503, 503] },
  ].map(({ list, once }) => ({
    name: `GET /admin/api/${list}`,
    once,
    arrange: superuser,
    act: (_: string, token: string, bindings: Bindings) =>
      sendAs(token, 'GET', `/admin/api/${list}`, undefined, bindings),
    check: async (username: string, token: string) => {
      expect((await state(username))?.key).toBe(token);
    },
  })),
  {
    name: 'POST /users/set_password/',
    once: [503, 503, 204],
    arrange: registered,
    act: (_, token, bindings) => {
      const body = { current_password: PASSWORD, new_password: NEW_PASSWORD };
      return sendAs(token, 'POST', '/users/set_password/', body, bindings);
    },
    check: checkPasswordKeepingToken,
  },
  {
    name: 'POST /users/set_username/',
    once: [503, 503, 204],
    arrange: registered,
    act: (username, token, bindings) => {
      const body = { current_password: PASSWORD, new_username: `new-${username}` };
      return sendAs(token, 'POST', '/users/set_username/', body, bindings);
    },
    check: checkRenamed,
  },
  {
    name: 'POST /users/reset_username/',
    once: [204],
    afterResponse: [0],
    arrange: registered,
    act: (_, __, bindings) => post('/users/reset_username/', { email: ADDRESS }, bindings),
    check: async (username, token, response) => {
      expect((await state(username))?.key).toBe(token);
      expect(response.status).toBe(204);
    },
  },
  {
    name: 'POST /users/reset_username_confirm/',
    once: [503, 204],
    arrange: registered,
    act: async (username, _, bindings) => {
      const link = await linkFor(username, { purpose: 'usernameReset' });
      const body = { ...link, new_username: `new-${username}` };
      return post('/users/reset_username_confirm/', body, bindings);
    },
    check: checkRenamed,
  },
  {
    name: 'POST /dj-rest-auth/registration/verify-email/',
    once: [503, 200],
    arrange: waiting,
    act: async (username, _, bindings) => {
      const { uid, token } = await linkFor(username);
      const key = `${uid}-${token}`;
      return post('/dj-rest-auth/registration/verify-email/', { key }, bindings);
    },
    check: async (username, _, response) => {
      const isActive = (await post('/login', { username, password: PASSWORD })).status === 200;
      if (response.status === 200) expect(isActive).toBe(true);
    },
  },
  {
    name: 'POST /dj-rest-auth/login/, by e-mail address',
    once: [503],
    arrange: async (username) => {
      const token = await registered(username);
      await env.DB.prepare('UPDATE auth_user SET email = ? WHERE username = ?')
        .bind(`${username}@example.com`, username)
        .run();
      return token;
    },
    act: (username, _, bindings) => {
      const body = { email: `${username}@example.com`, password: PASSWORD };
      return post('/dj-rest-auth/login/', body, bindings);
    },
    check: async (username, token, response) => {
      expect((await state(username))?.key).toBe(token);
      if (response.status === 200) expect(await response.json()).toEqual({ key: token });
      else expect(response.status).not.toBe(400);
    },
  },
  {
    name: 'POST /dj-rest-auth/logout/',
    once: [503, 200],
    arrange: registered,
    act: (_, token, bindings) =>
      sendAs(token, 'POST', '/dj-rest-auth/logout/', undefined, bindings),
    check: async (username, token, response) => {
      const { key = null } = (await state(username)) ?? {};
      expect([null, token]).toContain(key);
      if (response.status === 200) expect(key).toBeNull();
    },
  },
  {
    name: 'PATCH /dj-rest-auth/user/, with a new username',
    once: [503, 200],
    arrange: registered,
    act: (username, token, bindings) => {
      const body = { username: `new-${username}`, first_name: 'Ada' };
      return sendAs(token, 'PATCH', '/dj-rest-auth/user/', body, bindings);
    },
    check: async (username, token, response) => {
      const [old, renamed] = [await state(username), await state(`new-${username}`)];
      // Both fields are stored, or none.
      if (old) expect(old).toMatchObject({ key: token, first_name: '' });
      else expect(renamed).toMatchObject({ key: token, first_name: 'Ada' });
      if (response.status === 200) expect(old).toBeNull();
      else expect(response.status).not.toBe(400);
    },
  },
  {
    name: 'POST /dj-rest-auth/password/change/',
    once: [503, 503, 200],
    arrange: registered,
    act: (_, token, bindings) => {
      const body = { old_password: PASSWORD, ...NEW_PASSWORDS };
      return sendAs(token, 'POST', '/dj-rest-auth/password/change/', body, bindings);
    },
    check: checkPasswordKeepingToken,
  },
  {
    name: 'POST /dj-rest-auth/password/change/, without the old password',
    once: [503, 503, 200],
    arrange: registered,
    act: (_, token, bindings) =>
      sendAs(token, 'POST', '/dj-rest-auth/password/change/', NEW_PASSWORDS, {
        ...bindings,
        OLD_PASSWORD_FIELD_ENABLED: 'false',
      }),
    check: checkPasswordKeepingToken,
  },
  {
    name: 'POST /dj-rest-auth/password/reset/',
    once: [200],
    afterResponse: [0],
    arrange: registered,
    act: (_, __, bindings) => post('/dj-rest-auth/password/reset/', { email: ADDRESS }, bindings),
    check: async (username, token, response) => {
      expect((await state(username))?.key).toBe(token);
      expect(response.status).toBe(200);
    },
  },
  {
    name: 'POST /dj-rest-auth/password/reset/confirm/',
    once: [503, 200],
    arrange: registered,
    act: async (username, _, bindings) => {
      const body = { ...(await linkFor(username)), ...NEW_PASSWORDS };
      return post('/dj-rest-auth/password/reset/confirm/', body, bindings);
    },
    check: checkPasswordKeepingToken,
  },
  {
    name: 'POST /dj-rest-auth/registration/',
    once: [201],
    arrange: async () => '',
    act: (username, _, bindings) => {
      const passwords = { password1: PASSWORD, password2: PASSWORD };
      return post('/dj-rest-auth/registration/', { username, ...passwords }, bindings);
    },
    check: async (username, _, response) => {
      const stored = await state(username);
      if (stored) expect(stored.key).toMatch(/^[0-9a-f]{40}$/);
      if (response.status === 201) expect(await response.json()).toEqual({ key: stored?.key });
      else expect(response.status).not.toBe(400);
    },
  },
  {
    name: 'POST /knox/login/',
    once: [503, 200, 200],
    afterResponse: [2],
    arrange: registered,
    act: (username, _, bindings) => {
      const body = { username, password: PASSWORD };
      return post('/knox/login/', body, { ...bindings, ...KNOX });
    },
    check: async (username, _, response) => {
      const [login] = await knoxLogins(username);
      // The token and the last login are stored, or neither.
      expect(login?.last_login === null).toBe(login?.digest === null);
      if (response.status !== 200) return;
      const { token } = await response.json<{ token: string }>();
      expect((await getAs(token, '/me', { ...withMailbox().bindings, ...KNOX })).status).toBe(200);
    },
  },
  {
    name: 'POST /knox/logout/',
    once: [503, 204],
    arrange: registeredWithKnox,
    act: (_, token, bindings) =>
      sendAs(token, 'POST', '/knox/logout/', undefined, { ...bindings, ...KNOX }),
    check: async (username, _, response) => {
      const [login] = await knoxLogins(username);
      if (response.status === 204) expect(login?.digest).toBeNull();
    },
  },
  {
    name: 'POST /knox/logoutall/',
    once: [503, 204],
    arrange: async (username) => {
      const token = await registeredWithKnox(username);
      const body = { username, password: PASSWORD };
      await post('/knox/login/', body, { ...withMailbox().bindings, ...KNOX });
      return token;
    },
    act: (_, token, bindings) =>
      sendAs(token, 'POST', '/knox/logoutall/', undefined, { ...bindings, ...KNOX }),
    check: async (username, _, response) => {
      const digests = (await knoxLogins(username)).filter(({ digest }) => digest !== null);
      // Both tokens are deleted, or neither.
      expect([0, 2]).toContain(digests.length);
      if (response.status === 204) expect(digests).toEqual([]);
    },
  },
  {
    name: 'POST /knox/register/',
    once: [201],
    arrange: async () => '',
    act: (username, _, bindings) => {
      const body = { username, password: PASSWORD };
      return post('/knox/register/', body, { ...bindings, ...KNOX });
    },
    check: async (username, _, response) => {
      const logins = await knoxLogins(username);
      // The user and the token are stored, or neither.
      for (const { digest } of logins) expect(digest).not.toBeNull();
      if (response.status === 201) expect(logins).toHaveLength(1);
      else expect(response.status).not.toBe(400);
    },
  },
];

/** A route whose round trips are those of another one in the list: the same function runs. */
const SAME_AS: Record<string, string> = {
  'POST /api-token-auth': 'POST /login',
  'PUT /me': 'PATCH /me',
  'POST /users/resend_activation': 'POST /users/reset_password',
  'GET /users/me': 'GET /me',
  'PUT /users/me': 'PATCH /users/me',
  'DELETE /users/me': 'DELETE /me',
  'GET /users/{id}': 'PUT /users/{id}',
  'PATCH /users/{id}': 'PUT /users/{id}',
  'GET /dj-rest-auth/user': 'GET /me',
  'PUT /dj-rest-auth/user': 'PATCH /dj-rest-auth/user',
  'POST /dj-rest-auth/registration/resend-email': 'POST /users/reset_password',
  'GET /knox/user': 'GET /me',
};

it('has each route of the API', () => {
  const listed = routes.map(({ name }) => name.replace(/\/?(?:,.*)?$/, ''));
  const views = ROUTES.filter(({ kind }) => kind === 'view');
  const all = views.map(({ method, path }) => `${method} ${toTemplate(path)}`);
  expect(new Set([...listed, ...Object.keys(SAME_AS)])).toEqual(new Set(all));
  expect(listed).toEqual(expect.arrayContaining(Object.values(SAME_AS)));
});

/** A retry helps only against the first. */
const durations = [
  { duration: 'once', fails: (k: number) => (roundTrip: number) => roundTrip === k },
  { duration: 'from then on', fails: (k: number) => (roundTrip: number) => roundTrip >= k },
];

describe.each(routes)('$name', ({ arrange, act, check, once, afterResponse = [] }) => {
  it.each(
    (['before', 'after', 'instead'] satisfies Way[]).flatMap((way) =>
      durations.map(({ duration, fails }) => ({ way, duration, fails })),
    ),
  )(
    'keeps the data consistent if D1 fails $way a round trip, $duration',
    async ({ way, duration, fails }) => {
      const statuses: number[] = [];
      let k = 0;
      for (; ; k++) {
        const username = newName();
        const token = await arrange(username);
        const { bindings, roundTripCount } = failingAt(fails(k), way);
        const response = await act(username, token, bindings);
        if (roundTripCount() <= k) break;
        statuses.push(response.status);

        const said = await response.clone().text();
        if (response.status >= 500) {
          expect(response.status).toBe(way === 'instead' ? 500 : 503);
          expect(response.headers.get('Retry-After')).toBe(way === 'instead' ? null : '1');
          const detail =
            way === 'instead'
              ? 'A server error occurred.'
              : 'Service temporarily unavailable, try again later.';
          expect(said).toBe(JSON.stringify({ detail }));
        }
        await check(username, token, response);
        const output = said + logs.flatMap((log) => log.mock.calls.flat()).join('\n');
        expect(output).not.toMatch(/(Old|New)-secret|pbkdf2_sha256\$/);
        if (token)
          expect(logs.flatMap((log) => log.mock.calls.flat()).join('\n')).not.toContain(token);
      }
      const failed = way === 'instead' ? 500 : 503;
      const isRetried = way !== 'instead' && duration === 'once';
      const lasting = once.map((status, at) => (afterResponse.includes(at) ? status : failed));
      expect(statuses).toEqual(isRetried ? once : lasting);
    },
  );
});

describe('a registration whose D1 result was lost', () => {
  it('is retried once and returns the token stored by the first attempt', async () => {
    const username = newName();
    const { bindings, roundTripCount } = failingAt((roundTrip) => roundTrip === 0, 'after');
    const response = await post('/register', { username, password: PASSWORD }, bindings);
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ token: (await state(username))?.key });
    // The lost insert, the retry that conflicts, and the query that finds our user.
    expect(roundTripCount()).toBe(3);
  });

  it('responds that the username is taken if another request created it', async () => {
    const username = newName();
    await register(username, 'theirs');
    const { bindings } = failingAt((roundTrip) => roundTrip === 0, 'before');
    const response = await post('/register', { username, password: PASSWORD }, bindings);
    expect(response.status).toBe(400);
  });

  it('is not retried a second time', async () => {
    const { bindings, roundTripCount } = failingAt(() => true, 'before');
    const response = await post('/register', { username: newName(), password: PASSWORD }, bindings);
    expect(response.status).toBe(503);
    expect(roundTripCount()).toBe(2);
  });
});
