/** The routes of the staff page: the permissions, the changes, and the log. */
import { env } from 'cloudflare:workers';
import { Hono } from 'hono';
import { beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { admin } from '../../../src/http/routes/admin/routes.ts';
import type { Bindings } from '../../../src/services/bindings.ts';
import {
  answer,
  getAs,
  newName,
  post,
  register,
  send,
  sendAs,
  unthrottled,
} from '../../helpers/client.ts';
import { interceptD1 } from '../../helpers/intercept-d1.ts';
import { linkFor, linkIn, withMailbox } from '../../helpers/mailbox.ts';
import { ROUTES } from '../../helpers/routes.ts';

const PASSWORD = 'correct horse';
const DENIED = {
  status: 403,
  body: { detail: 'You do not have permission to perform this action.' },
};
const OWN_ACCOUNT = {
  status: 403,
  body: { detail: 'You cannot deactivate, delete or change the rights of your own account.' },
};
const REQUIRED = ['This field is required.'];

let log: MockInstance<typeof console.log>;
beforeEach(() => {
  log = vi.spyOn(console, 'log').mockImplementation(() => {});
});

const events = () => log.mock.calls.map(([line]) => JSON.parse(String(line)));

const set = (username: string, columns: string) =>
  env.DB.prepare(`UPDATE auth_user SET ${columns} WHERE username = ?`).bind(username).run();

const rowOf = (id: number) =>
  env.DB.prepare('SELECT * FROM auth_user WHERE id = ?').bind(id).first<Record<string, unknown>>();

const hasToken = async (id: number) =>
  (await env.DB.prepare('SELECT 1 FROM authtoken_token WHERE user_id = ?').bind(id).first()) !==
  null;

/** Registers a user. @param columns what is changed then */
async function enrol(columns = '', bindings?: Bindings) {
  const username = newName();
  const token = await register(username, PASSWORD, bindings);
  if (columns) await set(username, columns);
  const id = await env.DB.prepare('SELECT id FROM auth_user WHERE username = ?')
    .bind(username)
    .first<number>('id');
  return { id: Number(id), username, token, path: `/admin/api/users/${id}` };
}

const staff = () => enrol('is_staff = 1');
const superuser = () => enrol('is_staff = 1, is_superuser = 1');

/** Each act as a request: its method, the end of its path, its body and the status of its success. */
const ACTS = [
  { act: 'edit', method: 'PATCH', end: '', body: { first_name: 'Meg' }, status: 200 },
  { act: 'activate', method: 'POST', end: '/activate', body: undefined, status: 200 },
  { act: 'deactivate', method: 'POST', end: '/deactivate', body: undefined, status: 200 },
  { act: 'end_sessions', method: 'POST', end: '/end_sessions', body: undefined, status: 200 },
  { act: 'reset_password', method: 'POST', end: '/reset_password', body: undefined, status: 204 },
  {
    act: 'set_rights',
    method: 'PUT',
    end: '/rights',
    body: { is_staff: true, is_superuser: false, current_password: PASSWORD },
    status: 200,
  },
  { act: 'delete', method: 'DELETE', end: '', body: { current_password: PASSWORD }, status: 204 },
];

type User = Awaited<ReturnType<typeof enrol>>;

async function attempt(actor: User, target: User, { method, end, body }: (typeof ACTS)[number]) {
  const { bindings } = withMailbox();
  return sendAs(actor.token, method, target.path + end, body, bindings);
}

describe.each(ACTS)('$act', (request) => {
  const { act, method, end, body, status } = request;
  const address = "email = 'a@example.com'";

  it('needs a token', async () => {
    const { bindings } = withMailbox();
    const target = await enrol(address);
    const before = await rowOf(target.id);
    const init = { method, body: body ? JSON.stringify(body) : null };
    const response = await send(target.path + end, init, bindings);
    expect(response.status).toBe(401);
    expect(response.headers.get('WWW-Authenticate')).toBe('Token');
    expect(await rowOf(target.id)).toEqual(before);
  });

  it('is refused to a user who is not staff, on another and on itself', async () => {
    const [user, target] = [await enrol(address), await enrol(address)];
    for (const each of [target, user]) {
      const before = await rowOf(each.id);
      expect(await answer(await attempt(user, each, request))).toEqual(DENIED);
      expect(await rowOf(each.id)).toEqual(before);
    }
  });

  it('is refused to a superuser who is not staff, as in Django', async () => {
    const actor = await enrol('is_superuser = 1');
    expect(await answer(await attempt(actor, await enrol(), request))).toEqual(DENIED);
  });

  it.each([
    ['staff', staff],
    ['a superuser', superuser],
  ])('is refused to staff on %s, and logged', async (_, other) => {
    const [actor, target] = [await staff(), await other()];
    await set(target.username, address);
    const before = await rowOf(target.id);
    expect(await answer(await attempt(actor, target, request))).toEqual(DENIED);
    expect(await rowOf(target.id)).toEqual(before);
    expect(await hasToken(target.id)).toBe(true);
    expect(events()).toContainEqual(
      expect.objectContaining({
        event: 'staff-act-refused',
        user_id: target.id,
        by_user_id: actor.id,
        act,
        reason: 'permission-denied',
      }),
    );
  });

  it('is done by staff on a user without rights, unless it changes rights', async () => {
    const actor = await staff();
    const response = await attempt(actor, await enrol(address), request);
    if (act === 'set_rights') expect(await answer(response)).toEqual(DENIED);
    else expect(response.status).toBe(status);
  });

  it.each([
    ['a user', enrol],
    ['staff', staff],
    ['another superuser', superuser],
  ])('is done by a superuser on %s', async (_, other) => {
    const [actor, target] = [await superuser(), await other()];
    await set(target.username, address);
    expect((await attempt(actor, target, request)).status).toBe(status);
  });

  it('does not lock a superuser out', async () => {
    const actor = await superuser();
    await set(actor.username, address);
    const response = await attempt(actor, actor, request);
    const isLockOut = ['deactivate', 'set_rights', 'delete'].includes(act);
    if (isLockOut) expect(await answer(response)).toEqual(OWN_ACCOUNT);
    else expect(response.status).toBe(status);
    expect(await rowOf(actor.id)).toMatchObject({ is_active: 1, is_staff: 1, is_superuser: 1 });
  });

  it('is refused with the token of a user who is no longer staff, also from a cache', async () => {
    const caching = { ...withMailbox().bindings, TOKEN_CACHE_SECONDS: '60' };
    const [actor, target] = [await superuser(), await enrol(address)];
    expect((await getAs(actor.token, '/admin/api/users', caching)).status).toBe(200);
    expect((await getAs(actor.token, '/me', caching)).status).toBe(200);
    await set(actor.username, 'is_staff = 0');
    const response = await sendAs(actor.token, method, target.path + end, body, caching);
    expect(await answer(response)).toEqual(DENIED);
  });

  it('is 404 for an id that no user has', async () => {
    const actor = await superuser();
    for (const id of ['999999999', '99999999999999999999']) {
      const target = { ...actor, path: `/admin/api/users/${id}` };
      expect((await attempt(actor, target, request)).status).toBe(404);
    }
  });
});

it('each route is 401 without a token and 403 for a user who is not staff', async () => {
  const { bindings } = withMailbox();
  const user = await enrol();
  const routes = ROUTES.filter(({ path }) => path.startsWith('/admin/api'));
  expect(routes).toHaveLength(10);
  for (const { method, path } of routes) {
    const url = path.replace(':id{[0-9]+}', `${user.id}`);
    expect((await send(url, { method }, bindings)).status).toBe(401);
    expect(await answer(await sendAs(user.token, method, url, undefined, bindings))).toEqual(
      DENIED,
    );
  }
});

describe('what an act changes', () => {
  it('a deactivated user is refused at once, and is not activated by a link', async () => {
    const { bindings } = withMailbox({ EMAIL_VERIFICATION: 'required' });
    const [actor, target] = [await staff(), await enrol("email = 'd@example.com'")];
    const link = await linkFor(target.username, { purpose: 'activation' });
    const done = await sendAs(actor.token, 'POST', `${target.path}/deactivate`);
    expect(await done.json()).toMatchObject({ is_active: false, acts: expect.any(Array) });
    expect((await getAs(target.token)).status).toBe(401);
    expect((await post('/users/activation', link, bindings)).status).not.toBe(204);
    expect((await rowOf(target.id))?.is_active).toBe(0);
    await sendAs(actor.token, 'POST', `${target.path}/activate`);
    expect((await getAs(target.token)).status).toBe(200);
  });

  it('ended sessions end at once, in an isolate that caches tokens too', async () => {
    const caching = { ...unthrottled, TOKEN_CACHE_SECONDS: '60' };
    const [actor, target] = [await staff(), await enrol()];
    expect((await getAs(target.token, '/me', caching)).status).toBe(200);
    await sendAs(actor.token, 'POST', `${target.path}/end_sessions`, undefined, caching);
    expect((await getAs(target.token, '/me', caching)).status).toBe(401);
    const login = await post('/login', { username: target.username, password: PASSWORD });
    expect(login.status).toBe(200);
  });

  it('a superuser is staff too, and rights need the password of the caller', async () => {
    const [actor, target] = [await superuser(), await enrol()];
    const rights = { is_staff: false, is_superuser: true };
    const change = async (body: object) =>
      answer(await sendAs(actor.token, 'PUT', `${target.path}/rights`, body));
    expect(await change(rights)).toEqual({ status: 400, body: { current_password: REQUIRED } });
    expect(await change({ ...rights, current_password: 'no' })).toEqual({
      status: 400,
      body: { current_password: ['Invalid password.'] },
    });
    expect(await change({ ...rights, is_staff: 'perhaps', current_password: PASSWORD })).toEqual({
      status: 400,
      body: { is_staff: ['Must be a valid boolean.'] },
    });
    expect(await rowOf(target.id)).toMatchObject({ is_staff: 0, is_superuser: 0 });
    expect((await change({ ...rights, current_password: PASSWORD })).status).toBe(200);
    expect(await rowOf(target.id)).toMatchObject({ is_staff: 1, is_superuser: 1 });
  });

  it('a new username or address needs the password of the caller, with and without e-mail', async () => {
    const [actor, target] = [await staff(), await enrol("email = 'old@example.com'")];
    const withoutPassword = { EMAIL_CHANGE_REQUIRES_PASSWORD: 'false' };
    for (const bindings of [unthrottled, withMailbox(withoutPassword).bindings]) {
      for (const change of [{ email: 'new@example.com' }, { username: newName() }]) {
        const response = await sendAs(actor.token, 'PATCH', target.path, change, bindings);
        expect(await answer(response)).toEqual({
          status: 400,
          body: { current_password: REQUIRED },
        });
      }
    }
    const username = newName();
    const body = {
      username,
      email: 'New@Example.com',
      first_name: 'M',
      current_password: PASSWORD,
    };
    const { bindings, mails } = withMailbox();
    const changed = await sendAs(actor.token, 'PATCH', target.path, body, bindings);
    expect(await changed.json()).toMatchObject({ username, email: 'New@example.com' });
    expect(mails.map(({ to }) => to)).toContain('old@example.com');
    const { username: taken } = await enrol();
    const refused = await sendAs(actor.token, 'PATCH', target.path, {
      username: taken,
      current_password: PASSWORD,
    });
    expect(await answer(refused)).toEqual({
      status: 400,
      body: { username: ['A user with that username already exists.'] },
    });
  });

  it('a reset link goes to the stored address of the user only, and works', async () => {
    const { bindings, mails } = withMailbox();
    const actor = await staff();
    const email = `${newName()}@example.com`;
    const [target, other] = [await enrol(), await enrol()];
    for (const { username } of [target, other]) await set(username, `email = '${email}'`);
    await sendAs(actor.token, 'POST', `${target.path}/reset_password`, undefined, bindings);
    expect(mails.map(({ to }) => to)).toEqual([email]);
    expect(mails[0]?.text).toContain(target.username);
    expect(mails[0]?.text).not.toContain(other.username);
    const body = { ...linkIn(mails[0]), new_password: 'a new password' };
    expect((await post('/users/reset_password_confirm', body, bindings)).status).toBe(204);
  });

  it.each(["email = ''", 'is_active = 0', "password = '!unusable'"])(
    'a user with %s gets no reset link, and staff learns it',
    async (columns) => {
      const { bindings, mails } = withMailbox();
      const [actor, target] = [await staff(), await enrol("email = 'b@example.com'")];
      await set(target.username, columns);
      const path = `${target.path}/reset_password`;
      const response = await sendAs(actor.token, 'POST', path, undefined, bindings);
      expect(response.status).toBe(409);
      expect(mails).toEqual([]);
    },
  );

  it('a deleted user is gone with its token, only with the password', async () => {
    const [actor, target] = [await staff(), await enrol()];
    const wrong = await sendAs(actor.token, 'DELETE', target.path, { current_password: 'no' });
    expect(wrong.status).toBe(400);
    expect(await hasToken(target.id)).toBe(true);
    await sendAs(actor.token, 'DELETE', target.path, { current_password: PASSWORD });
    expect(await rowOf(target.id)).toBeNull();
    expect(await hasToken(target.id)).toBe(false);
  });
});

describe('the last superuser', () => {
  it.each([
    { method: 'POST', end: '/deactivate', body: undefined },
    {
      method: 'PUT',
      end: '/rights',
      body: { is_staff: true, is_superuser: false, current_password: PASSWORD },
    },
    { method: 'DELETE', end: '', body: { current_password: PASSWORD } },
  ])('stays if two do $method $end to each other at once', async ({ method, end, body }) => {
    await env.DB.exec('UPDATE auth_user SET is_superuser = 0');
    const [one, other] = [await superuser(), await superuser()];
    // Both requests have passed the check of the permission before the first one writes.
    const bindings = meetAt(2);
    const responses = await Promise.all([
      sendAs(one.token, method, other.path + end, body, bindings),
      sendAs(other.token, method, one.path + end, body, bindings),
    ]);
    const statuses = responses.map(({ status }) => status).sort();
    expect(statuses[1]).toBe(409);
    expect([200, 204]).toContain(statuses[0]);
    const { results } = await env.DB.prepare(
      'SELECT id FROM auth_user WHERE is_superuser AND is_active',
    ).all();
    expect(results).toHaveLength(1);
  });

  it('is not deleted over the routes of djoser either, by staff', async () => {
    const [actor, target] = [await staff(), await superuser()];
    const path = `/users/${target.id}/`;
    const body = { current_password: PASSWORD };
    expect(await answer(await sendAs(actor.token, 'DELETE', path, body))).toEqual(DENIED);
    const change = { email: 'mine@example.com', current_password: PASSWORD };
    for (const method of ['PUT', 'PATCH']) {
      expect(await answer(await sendAs(actor.token, method, path, change))).toEqual(DENIED);
    }
    expect((await rowOf(target.id))?.email).toBe('');
  });
});

/** Bindings with a database that returns the target of an act only after this many requests have read theirs. */
function meetAt(count: number): Bindings {
  let waiting = 0;
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const DB = interceptD1(env.DB, {
    async around({ sql, run }) {
      const result = await run();
      if (
        !/^select "id", "username", .* from "auth_user" where "auth_user"."id" = \?$/.test(
          sql[0] ?? '',
        )
      ) {
        return result;
      }
      waiting++;
      if (waiting === count) open();
      await opened;
      return result;
    },
  });
  return { ...unthrottled, DB };
}

describe('with the tokens of knox', () => {
  const knox = { ...unthrottled, TOKEN_MODEL: 'knox.AuthToken' };
  const seen = async (actor: User, { path }: User) =>
    (await getAs(actor.token, path, knox)).json<{ token_created: string | null; acts: string[] }>();

  it('staff sees when the newest token was created, and ends the sessions of all devices', async () => {
    const actor = await enrol('is_staff = 1', knox);
    const target = await enrol();
    const plain = (await seen(actor, target)).token_created;
    expect(plain).toMatch(/^2\d{3}-/);
    const credentials = { username: target.username, password: PASSWORD };
    const logIn = async () =>
      (await (await post('/login', credentials, knox)).json<{ token: string }>()).token;
    const tokens = [target.token, await logIn(), await logIn()];
    const newest = await env.DB.prepare(
      'SELECT max(created) AS created FROM knox_authtoken WHERE user_id = ?',
    )
      .bind(target.id)
      .first<string>('created');
    expect(await seen(actor, target)).toMatchObject({ token_created: newest });
    expect(newest).not.toBe(plain);

    const path = `${target.path}/end_sessions`;
    const ended = await sendAs(actor.token, 'POST', path, undefined, knox);
    const { token_created, acts } = await ended.json<Awaited<ReturnType<typeof seen>>>();
    expect(token_created).toBeNull();
    expect(acts).not.toContain('end_sessions');
    for (const token of tokens) expect((await getAs(token, '/me', knox)).status).toBe(401);
    expect((await getAs(actor.token, '/me', knox)).status).toBe(200);
  });

  it('a right that staff lost is lost at once, also if the token is in a cache', async () => {
    const caching = { ...knox, TOKEN_CACHE_SECONDS: '60' };
    const actor = await enrol('is_staff = 1', caching);
    expect((await getAs(actor.token, '/me', caching)).status).toBe(200);
    await set(actor.username, 'is_staff = 0');
    expect(await answer(await getAs(actor.token, '/admin/api/users', caching))).toEqual(DENIED);
  });

  it('an expired token of staff is refused', async () => {
    const actor = await enrol('is_staff = 1', knox);
    expect((await getAs(actor.token, '/admin/api/users', knox)).status).toBe(200);
    await env.DB.prepare("UPDATE knox_authtoken SET expiry = '2020-01-01' WHERE user_id = ?")
      .bind(actor.id)
      .run();
    expect(await answer(await getAs(actor.token, '/admin/api/users', knox))).toEqual({
      status: 401,
      body: { detail: 'Invalid token.' },
    });
  });

  it('a user who was deactivated with a token is not in the list of unverified users', async () => {
    const actor = await enrol('is_staff = 1', knox);
    const [deactivated, waiting] = [await enrol('', knox), await enrol('', knox)];
    for (const { username } of [deactivated, waiting]) await set(username, 'is_active = 0');
    await env.DB.prepare('DELETE FROM knox_authtoken WHERE user_id = ?').bind(waiting.id).run();
    const response = await getAs(actor.token, '/admin/api/users?filter=unverified', knox);
    const ids = (await response.json<{ users: { id: number }[] }>()).users.map(({ id }) => id);
    expect(ids).toContain(waiting.id);
    expect(ids).not.toContain(deactivated.id);
  });
});

describe('an attack', () => {
  it('sets no field that a route does not have (mass assignment)', async () => {
    const [actor, target] = [await staff(), await enrol()];
    const before = await rowOf(target.id);
    const body = {
      first_name: 'M',
      id: actor.id,
      pk: actor.id,
      is_staff: true,
      is_superuser: true,
      is_active: false,
      password: 'mine',
      last_login: '2000-01-01',
      date_joined: '2000-01-01',
      token: 'mine',
      acts: ['delete'],
      __proto__: { is_staff: true },
      current_password: PASSWORD,
    };
    expect((await sendAs(actor.token, 'PATCH', target.path, body)).status).toBe(200);
    expect(await rowOf(target.id)).toEqual({ ...before, first_name: 'M' });
    const own = await sendAs(target.token, 'PATCH', '/me', body);
    expect(own.status).toBe(200);
    const djosers = await sendAs(target.token, 'PATCH', '/users/me', body);
    expect(djosers.status).toBe(200);
    expect(await rowOf(target.id)).toEqual({ ...before, first_name: 'M' });
    const registered = newName();
    await post('/register', { ...body, username: registered, password: PASSWORD });
    const row = await env.DB.prepare('SELECT * FROM auth_user WHERE username = ?')
      .bind(registered)
      .first();
    expect(row).toMatchObject({ is_staff: 0, is_superuser: 0, is_active: 1 });
  });

  it('gets no key, password or hash from a response', async () => {
    const [actor, target] = [await superuser(), await enrol()];
    const row = await rowOf(target.id);
    for (const path of [target.path, '/admin/api/users', '/admin/api/checks']) {
      const text = await (await getAs(actor.token, path)).text();
      expect(text).not.toContain(target.token);
      expect(text).not.toContain(String(row?.password).split('$')[3]);
      expect(text).not.toContain('a secret key of the tests');
    }
  });

  it('by a form of another site has no token, because there is no cookie (CSRF)', async () => {
    const [actor, target] = [await superuser(), await enrol()];
    const response = await send(`${target.path}/deactivate`, {
      method: 'POST',
      headers: {
        Origin: 'https://evil.example',
        Cookie: `token=${actor.token}; sessionid=${actor.token}; Token=${actor.token}`,
        'Content-Type': 'application/x-www-form-urlencoded',
      },
    });
    expect(response.status).toBe(401);
    expect((await rowOf(target.id))?.is_active).toBe(1);
    for (const path of ['/admin', '/admin/api/users']) {
      const answered = await getAs(actor.token, path);
      expect(answered.headers.has('Set-Cookie')).toBe(false);
    }
  });

  it('by a script of another site gets no CORS headers', async () => {
    const response = await send('/admin/api/users', {
      method: 'OPTIONS',
      headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'GET' },
    });
    expect(response.headers.has('Access-Control-Allow-Origin')).toBe(false);
  });

  it('by a search is text in a parameter of the query (SQL injection)', async () => {
    const actor = await staff();
    const target = await enrol();
    for (const text of ["' OR 1=1 --", "%' OR '1'='1", '"; DROP TABLE auth_user; --', '\\', '%']) {
      for (const name of ['search', 'after', 'filter', 'by']) {
        const query = new URLSearchParams({ search: 'zzz', [name]: text });
        const response = await getAs(actor.token, `/admin/api/users?${query}`);
        expect(response.status).toBe(200);
        expect(await response.text()).not.toContain(target.username);
      }
    }
    expect(await rowOf(target.id)).not.toBeNull();
  });
});

describe('the list', () => {
  it('pages through all users, newest first', async () => {
    const actor = await staff();
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
       INSERT INTO auth_user (password, is_superuser, username, last_name, email, is_staff,
         is_active, date_joined, first_name)
       SELECT 'x', 0, 'Page' || i, '', 'page@example.com', 0, 1, '2026-01-01 00:00:00', '' FROM n`,
    ).run();
    const total = await env.DB.prepare('SELECT count(*) AS n FROM auth_user').first<number>('n');
    const all = await pagesOf(actor.token, {});
    expect(all).toHaveLength(Number(total));
    expect(all).toEqual(all.toSorted((a, b) => b.id - a.id));
    const named = await pagesOf(actor.token, { search: 'Page1' });
    expect(named.map(({ username }) => username)).toEqual(
      Array.from({ length: 120 }, (_, i) => `Page${i + 1}`)
        .filter((name) => name.startsWith('Page1'))
        .sort(),
    );
    // All have one address, so the id continues the page.
    const ofAddress = await pagesOf(actor.token, { search: 'PAGE@', by: 'email' });
    expect(ofAddress).toHaveLength(120);
    expect(new Set(ofAddress.map(({ id }) => id)).size).toBe(120);
  });

  it('has the users of each filter, with a search and without', async () => {
    const actor = await staff();
    const mark = newName();
    const make = async (columns: string, deletesToken = false) => {
      const user = await enrol(columns);
      await set(user.username, `username = '${mark}${user.username}'`);
      if (deletesToken) {
        await env.DB.prepare('DELETE FROM authtoken_token WHERE user_id = ?').bind(user.id).run();
      }
      return user.id;
    };
    const active = await make('is_active = 1');
    const isStaff = await make('is_staff = 1');
    const isSuperuser = await make('is_superuser = 1');
    const inactive = await make("is_active = 0, last_login = '2026-01-01 00:00:00'");
    const withToken = await make('is_active = 0');
    const unverified = await make('is_active = 0', true);
    const unusable = await make("password = '!abc'");
    const expected = {
      active: [active, isStaff, isSuperuser, unusable],
      inactive: [inactive, withToken, unverified],
      staff: [isStaff],
      superuser: [isSuperuser],
      unusable_password: [unusable],
      unverified: [unverified],
      '': [active, isStaff, isSuperuser, inactive, withToken, unverified, unusable],
    };
    for (const [filter, ids] of Object.entries(expected)) {
      for (const search of ['', mark]) {
        const found = await pagesOf(actor.token, { filter, search });
        const ours = found.filter(({ username }) => username.startsWith(mark));
        expect({ filter, search, ids: ours.map(({ id }) => id).sort() }).toEqual({
          filter,
          search,
          ids: ids.toSorted(),
        });
      }
    }
  });
});

type Listed = { id: number; username: string };

/** The users of all pages. */
async function pagesOf(token: string, query: Record<string, string>) {
  const all: Listed[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const parameters = new URLSearchParams({ ...query, ...(after && { after }) });
    const response = await getAs(token, `/admin/api/users?${parameters}`);
    const page: { users: Listed[]; next: string | null } = await response.json();
    expect(page.users.length).toBeLessThanOrEqual(50);
    all.push(...page.users);
    after = page.next;
  }
  return all;
}

it('a refused change of a username or address is in the log by its name', async () => {
  const [actor, target] = [await staff(), await enrol()];
  for (const change of [{ username: newName() }, { email: 'n@example.com' }]) {
    await sendAs(actor.token, 'PATCH', target.path, { ...change, current_password: 'no' });
  }
  const refused = events().filter(({ by_user_id }) => by_user_id === actor.id);
  expect(refused.map(({ event }) => event)).toEqual([
    'username-change-refused',
    'email-change-refused',
  ]);
});

it('each act is in the security log with the member of staff', async () => {
  const { bindings } = withMailbox();
  const [actor, target] = [await superuser(), await enrol("email = 'l@example.com'")];
  log.mockClear();
  const changes = { username: newName(), email: 'm@example.com', last_name: 'L' };
  for (const { method, end, body } of [
    { method: 'POST', end: '/deactivate' },
    { method: 'POST', end: '/activate' },
    { method: 'POST', end: '/end_sessions' },
    { method: 'POST', end: '/reset_password' },
    { method: 'PATCH', end: '', body: { ...changes, current_password: PASSWORD } },
    {
      method: 'PUT',
      end: '/rights',
      body: { is_staff: true, is_superuser: false, current_password: PASSWORD },
    },
    {
      method: 'PUT',
      end: '/rights',
      body: { is_staff: true, is_superuser: true, current_password: '-' },
    },
    { method: 'DELETE', end: '', body: { current_password: '-' } },
    { method: 'DELETE', end: '', body: { current_password: PASSWORD } },
  ] as { method: string; end: string; body?: object }[]) {
    await sendAs(actor.token, method, target.path + end, body, bindings);
  }
  const byStaff = events().filter(({ by_user_id }) => by_user_id === actor.id);
  for (const event of byStaff) expect(event.user_id).toBe(target.id);
  expect(byStaff.map(({ event }) => event)).toEqual([
    'deactivated',
    'activated',
    'sessions-ended',
    'reset-link-requested',
    'email-changed',
    'username-changed',
    'names-changed',
    'rights-changed',
    'rights-change-refused',
    'account-deletion-refused',
    'account-deleted',
  ]);
  expect(byStaff.find(({ event }) => event === 'rights-changed')).toMatchObject({
    is_staff: true,
    is_superuser: false,
  });
});

it('an act over a route of djoser is in the log in the same way', async () => {
  const [actor, target] = [await staff(), await enrol()];
  const body = { current_password: PASSWORD };
  expect((await sendAs(actor.token, 'DELETE', `/users/${target.id}/`, body)).status).toBe(204);
  expect(events()).toContainEqual(
    expect.objectContaining({
      event: 'account-deleted',
      user_id: target.id,
      by_user_id: actor.id,
    }),
  );
});

describe('the checks', () => {
  const checksOf = async (bindings: Bindings) => {
    const { token } = await staff();
    const response = await getAs(token, '/admin/api/checks', bindings);
    const { checks } = await response.json<{ checks: { level: string; text: string }[] }>();
    return checks.map(({ level, text }) => `${level} ${text}`);
  };

  it('find what is missing, as the command does', async () => {
    const found = (await checksOf({ ...unthrottled, SECRET_KEY: undefined })).join('\n');
    expect(found).toContain('OK Migrations: the database has all indexes.');
    expect(found).toContain('WARNING LOGIN_LIMIT is not bound');
    expect(found).toContain('WARNING AUTH_PASSWORD_VALIDATORS lacks MinimumLength');
    expect(found).toContain('WARNING TOKEN_MAX_AGE_DAYS is not set');
    expect(found).toMatch(/OK \d+ users? with pbkdf2_sha256 of 1,000 iterations/);
    expect(found).toContain('WARNING DEFAULT_FROM_EMAIL is set and EMAIL is not bound');
  });

  it('look at the sender, the key and the links if e-mail can be sent', async () => {
    const unsigned = withMailbox({ SECRET_KEY: undefined }).bindings;
    expect(await checksOf(unsigned)).toContainEqual(
      expect.stringMatching(/^WARNING SECRET_KEY is not set/),
    );
    const { bindings } = withMailbox({
      SECRET_KEY: 'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz',
    });
    const found = await checksOf(bindings);
    expect(found).toContain('OK SECRET_KEY has at least 50 characters.');
    expect(found).toContainEqual(expect.stringContaining('PASSWORD_RESET_CONFIRM_URL is not set'));
  });

  it('find a missing index and a hash that is not checked', async () => {
    await enrol("password = 'unsalted_md5$$0123'");
    await env.DB.exec('DROP INDEX auth_user_staff');
    const found = await checksOf(unthrottled);
    await env.DB.exec('CREATE INDEX auth_user_staff ON auth_user (id) WHERE is_staff');
    expect(found).toContainEqual(
      expect.stringMatching(
        /^WARNING Migrations not applied: .*auth_user_staff\. Run npx wrangler/,
      ),
    );
  });
});

describe('the page', () => {
  it('has no data, may not be framed, and runs its own script only', async () => {
    const response = await send('/admin');
    expect(response.status).toBe(200);
    expect(response.headers.get('X-Frame-Options')).toBe('DENY');
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    const policy = response.headers.get('Content-Security-Policy') ?? '';
    const [, nonce = ''] = /script-src 'nonce-([^']+)'/.exec(policy) ?? [];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("form-action 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toContain('unsafe');
    const html = await response.text();
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html).toContain(`nonce="${nonce}"`);
    expect(html).not.toMatch(/ on\w+=|javascript:/);
    const again = await send('/admin');
    expect(again.headers.get('Content-Security-Policy')).not.toBe(policy);
  });

  it('has the path, the keyword and the minutes', async () => {
    const vars = { AUTH_HEADER_KEYWORD: 'Bearer', ADMIN_SESSION_MINUTES: '5', URL_PREFIX: '/v1' };
    const html = await (await send('/v1/admin', {}, { ...unthrottled, ...vars })).text();
    expect(html).toContain('data-api="/v1/admin/api"');
    expect(html).toContain('data-keyword="Bearer"');
    expect(html).toContain('data-minutes="5"');
    expect(html).toContain('action="/v1/login"');
  });

  it('is at the path of an app that is mounted with the option', async () => {
    const host = new Hono().route('/auth', createApp({ admin }));
    const html = await (await host.request('/auth/admin', {}, unthrottled)).text();
    expect(html).toContain('data-api="/auth/admin/api"');
    const { token } = await staff();
    const headers = { Authorization: `Token ${token}` };
    const list = await host.request('/auth/admin/api/users', { headers }, unthrottled);
    expect(list.status).toBe(200);
  });

  it('and its routes are 404 with ADMIN_PAGE = "false", and in an app without the option', async () => {
    const { token } = await superuser();
    const without = createApp();
    for (const path of ['/admin', '/admin/', '/admin/api/users', '/admin/api/checks']) {
      const off = await getAs(token, path, { ...unthrottled, ADMIN_PAGE: 'false' });
      expect(await answer(off)).toEqual({ status: 404, body: { detail: 'Not found.' } });
      const headers = { Authorization: `Token ${token}` };
      expect((await without.request(path, { headers }, unthrottled)).status).toBe(404);
    }
  });
});
