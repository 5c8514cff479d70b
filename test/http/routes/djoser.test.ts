/** djoser's routes: what the recorded cases do not say, and what differs (djoser-conformance.test.ts). */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
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
import { linkFor, linkIn, withMailbox } from '../../helpers/mailbox.ts';

beforeEach(() => {
  for (const level of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation(() => {});
  }
});

const PASSWORD = 'correct horse';

const rowOf = (username: string) =>
  env.DB.prepare('SELECT id, email, is_active, last_login FROM auth_user WHERE username = ?')
    .bind(username)
    .first<{ id: number; email: string; is_active: number; last_login: string | null }>();

const idOf = async (username: string) => (await rowOf(username))?.id ?? 0;

const set = (username: string, assignment: string) =>
  env.DB.prepare(`UPDATE auth_user SET ${assignment} WHERE username = ?`).bind(username).run();

/** Registers a user with an address. */
async function enrol(username: string, bindings?: Bindings) {
  const email = `${username}@example.com`;
  await post('/users/', { username, password: PASSWORD, email }, bindings);
  return email;
}

const logIn = (username: string, password = PASSWORD, bindings?: Bindings) =>
  post('/token/login/', { username, password }, bindings);

async function tokenOf(username: string, bindings?: Bindings) {
  const response = await logIn(username, PASSWORD, bindings);
  const { auth_token } = await response.json<{ auth_token: string }>();
  return auth_token;
}

const WRONG_PASSWORD = { status: 400, body: { current_password: ['Invalid password.'] } };
const WRONG_CREDENTIALS = {
  status: 400,
  body: { non_field_errors: ['Unable to log in with provided credentials.'] },
};
const INVALID_TOKEN = { status: 400, body: { token: ['Invalid token for given user.'] } };

describe('GET /users/', () => {
  type Listed = { id: number; username: string; email: string };

  async function staff() {
    const username = newName();
    const token = await register(username);
    await set(username, 'is_staff = 1');
    return { username, token };
  }

  async function list(token: string, query = '', bindings?: Bindings) {
    const response = await getAs(token, `/users/${query}`, bindings);
    const users = await response.json<Listed[]>();
    return { users, link: response.headers.get('Link'), names: users.map((user) => user.username) };
  }

  /** @returns the usernames, by id */
  async function insertUsers(count: number) {
    const prefix = newName();
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
       INSERT INTO auth_user (password, is_superuser, username, last_name, email, is_staff,
         is_active, date_joined, first_name)
       SELECT 'x', 0, ?1 || '-' || i, '', ?1 || i || '@Example.com', 0, 1, '2026-01-01 00:00:00', ''
         FROM n`,
    )
      .bind(prefix, count)
      .run();
    return { prefix, names: Array.from({ length: count }, (_, i) => `${prefix}-${i + 1}`) };
  }

  it('has the newest 100 users by id, and a link to older ones, until there are none', async () => {
    const { token } = await staff();
    const { names } = await insertUsers(250);
    const pages = [await list(token)];
    for (let link = pages[0]?.link; link; link = pages.at(-1)?.link) {
      const [, url = ''] = /^<(.*)>; rel="next"$/.exec(link) ?? [];
      pages.push(await list(token, new URL(url).search));
    }
    expect(pages.slice(0, -1).map((page) => page.users.length)).toEqual(
      pages.slice(0, -1).map(() => 100),
    );
    for (const { users } of pages) {
      const ids = users.map(({ id }) => id);
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    }
    const all = pages.toReversed().flatMap((page) => page.names);
    expect(all.slice(-250)).toEqual(names);
    const count = await env.DB.prepare('SELECT count(*) AS n FROM auth_user').first('n');
    expect(new Set(all).size).toBe(count);
  });

  it('has exactly 100 users without a link if there are no others', async () => {
    const { token } = await staff();
    const { prefix, names } = await insertUsers(100);
    const { names: found, link } = await list(token, `?search=${prefix}`);
    expect(found).toEqual(names);
    expect(link).toBeNull();
  });

  it('keeps the search in the link', async () => {
    const { token } = await staff();
    const { prefix, names } = await insertUsers(101);
    const { names: found, link } = await list(token, `?search=${prefix}`);
    expect(found).toEqual(names.slice(1));
    expect(link).toContain(`?search=${prefix}&before=`);
    const [, url = ''] = /^<(.*)>/.exec(link ?? '') ?? [];
    expect(await list(token, new URL(url).search)).toMatchObject({
      names: names.slice(0, 1),
      link: null,
    });
  });

  it('searches for the start of a username or of an address, in any case of the address', async () => {
    const { token } = await staff();
    const { prefix } = await insertUsers(3);
    const search = async (text: string) =>
      (await list(token, `?search=${encodeURIComponent(text)}`)).names;
    expect(await search(`${prefix}-2`)).toEqual([`${prefix}-2`]);
    expect(await search(`${prefix.toUpperCase()}3@`)).toEqual([`${prefix}-3`]);
    expect(await search(` ${prefix}1@EXAMPLE.com `)).toEqual([`${prefix}-1`]);
    for (const text of [prefix.slice(1), '%', '_', "'", `${prefix}-2x`, '\0']) {
      expect(await search(text)).toEqual([]);
    }
    expect(await search('')).toHaveLength(100);
  });

  it('ignores a `before` that is no id', async () => {
    const { token } = await staff();
    const { names } = await list(token);
    for (const before of ['x', '-1', '1e9', '', '99999999999999999999']) {
      expect((await list(token, `?before=${before}`)).names).toEqual(names);
    }
    expect((await list(token, '?before=0')).names).toEqual([]);
  });

  it('has only the user itself for others, whatever they search for', async () => {
    const [username, other] = [newName(), newName()];
    await register(other);
    const token = await register(username);
    for (const query of ['', `?search=${other}`, '?before=0']) {
      expect((await list(token, query)).names).toEqual([username]);
    }
    const shown = await list(token, `?search=${other}`, { ...unthrottled, HIDE_USERS: 'false' });
    expect(shown.names).toEqual([other]);
  });

  it('must not be cached', async () => {
    const response = await getAs(await register(newName()), '/users/');
    expect(response.headers.get('Cache-Control')).toBe('no-store');
  });
});

describe('/users/{id}/', () => {
  it.each(['GET', 'PUT', 'PATCH', 'DELETE'])(
    '%s of another user does not read the body',
    async (method) => {
      const other = newName();
      await register(other);
      const token = await register(newName());
      const path = `/users/${await idOf(other)}/`;
      const response = await sendAs(token, method, path, method === 'GET' ? undefined : ['x']);
      expect(response.status).toBe(method === 'DELETE' ? 403 : 404);
    },
  );

  it.each(['9007199254740993', '99999999999999999999999', '00', '1.5', 'me2', '%31x'])(
    'is 404 for %s',
    async (id) => {
      const token = await register(newName());
      for (const method of ['GET', 'DELETE']) {
        const response = await sendAs(token, method, `/users/${id}/`);
        expect(await answer(response)).toEqual({ status: 404, body: { detail: 'Not found.' } });
      }
      expect((await send(`/users/${id}/`)).status).toBe(401);
    },
  );

  it('DELETE by staff is 409 while another row refers to the user', async () => {
    const [username, other] = [newName(), newName()];
    const token = await register(username);
    await set(username, 'is_staff = 1');
    await register(other);
    const id = await idOf(other);
    await env.DB.exec(
      `CREATE TABLE rocks (owner_id integer NOT NULL REFERENCES auth_user (id)); INSERT INTO rocks VALUES (${id})`,
    );
    const response = await sendAs(token, 'DELETE', `/users/${id}/`, { current_password: PASSWORD });
    await env.DB.exec('DROP TABLE rocks');
    expect(response.status).toBe(409);
    expect(await rowOf(other)).not.toBeNull();
  });
});

describe('another address', () => {
  it('needs the current password if e-mail can be sent, also at /users/{id}/ and for staff', async () => {
    const { bindings } = withMailbox();
    const [username, other] = [newName(), newName()];
    await enrol(username);
    const address = await enrol(other);
    await set(username, 'is_staff = 1');
    const token = await tokenOf(username);
    const email = `${newName()}@example.com`;
    const [id, otherId] = [await idOf(username), await idOf(other)];
    const required = { status: 400, body: { current_password: ['This field is required.'] } };
    for (const path of ['/users/me/', `/users/${id}/`, `/users/${otherId}/`]) {
      for (const method of ['PUT', 'PATCH']) {
        const change = (fields: object) => sendAs(token, method, path, fields, bindings);
        expect(await answer(await change({ email }))).toEqual(required);
        expect(await answer(await change({ email, current_password: 'no' }))).toEqual(
          WRONG_PASSWORD,
        );
      }
    }
    expect((await rowOf(other))?.email).toBe(address);
    const body = { email, current_password: PASSWORD };
    const changed = await sendAs(token, 'PATCH', `/users/${otherId}/`, body, bindings);
    expect(await answer(changed)).toEqual({
      status: 200,
      body: { email, id: otherId, username: other },
    });
    expect((await rowOf(other))?.email).toBe(email);
  });

  it('gets a notice at the old address, also with EMAIL_CHANGE_REQUIRES_PASSWORD off', async () => {
    const { bindings, mails } = withMailbox({ EMAIL_CHANGE_REQUIRES_PASSWORD: 'false' });
    const username = newName();
    const email = await enrol(username);
    const token = await tokenOf(username);
    const body = { email: `${newName()}@example.com` };
    for (const path of ['/users/me/', '/me']) {
      expect((await sendAs(token, 'PATCH', path, body, bindings)).status).toBe(200);
    }
    expect(mails).toEqual([
      expect.objectContaining({
        to: email,
        subject: expect.stringContaining('email address has been changed'),
      }),
    ]);
  });

  describe('with EMAIL_VERIFICATION = "required"', () => {
    const verifying = () => withMailbox({ EMAIL_VERIFICATION: 'required' });

    it('makes the user wait for activation as a new user does', async () => {
      const { bindings, mails } = verifying();
      const [username, email] = [newName(), `${newName()}@example.com`];
      const old = await enrol(username);
      const token = await tokenOf(username);
      const body = { email, current_password: PASSWORD };
      expect((await sendAs(token, 'PUT', '/users/me/', body, bindings)).status).toBe(200);
      expect(await rowOf(username)).toMatchObject({ email, is_active: 0, last_login: null });
      expect((await getAs(token, '/me', bindings)).status).toBe(401);
      expect(await answer(await logIn(username, PASSWORD, bindings))).toEqual(WRONG_CREDENTIALS);
      expect(mails.map(({ to, subject }) => [to, subject])).toEqual([
        [old, 'localhost:8000 - Your email address has been changed'],
        [email, 'Account activation on localhost:8000'],
      ]);
      // The message may be lost.
      await post('/users/resend_activation/', { email }, bindings);
      expect(mails).toHaveLength(3);
      const activated = await post('/users/activation/', linkIn(mails[2]), bindings);
      expect(activated.status).toBe(204);
      expect((await logIn(username, PASSWORD, bindings)).status).toBe(200);
    });

    it('must not be blank, because no link could activate the account', async () => {
      const { bindings } = verifying();
      const username = newName();
      const email = await enrol(username);
      const token = await tokenOf(username);
      const body = { email: '', current_password: PASSWORD };
      expect(await answer(await sendAs(token, 'PATCH', '/users/me/', body, bindings))).toEqual({
        status: 400,
        body: { email: ['This field may not be blank.'] },
      });
      expect(await rowOf(username)).toMatchObject({ email, is_active: 1 });
    });

    it('changes nothing with a wrong password', async () => {
      const { bindings, mails } = verifying();
      const username = newName();
      const email = await enrol(username);
      const token = await tokenOf(username);
      const body = { email: `${newName()}@example.com`, current_password: 'no' };
      const response = await sendAs(token, 'PATCH', '/users/me/', body, bindings);
      expect(await answer(response)).toEqual(WRONG_PASSWORD);
      expect(await rowOf(username)).toMatchObject({ email, is_active: 1 });
      expect((await getAs(token)).status).toBe(200);
      expect(mails).toEqual([]);
    });

    it('counts as a request by e-mail for the rate limit', async () => {
      const never: RateLimit = { limit: async () => ({ success: false }) };
      const { bindings, mails } = withMailbox({
        EMAIL_VERIFICATION: 'required',
        EMAIL_CHANGE_REQUIRES_PASSWORD: 'false',
        MAIL_ADDRESS_LIMIT: never,
      });
      const username = newName();
      const email = await enrol(username);
      const token = await tokenOf(username);
      const change = (address: string) =>
        sendAs(token, 'PATCH', '/users/me/', { email: address }, bindings);
      expect((await change(`${newName()}@example.com`)).status).toBe(429);
      expect(await rowOf(username)).toMatchObject({ email, is_active: 1 });
      expect((await change(email)).status).toBe(200);
      expect(mails).toEqual([]);
    });
  });
});

describe('POST /token/login/', () => {
  it('sets the last login, and the other logins do not', async () => {
    const username = newName();
    await register(username, PASSWORD);
    await post('/login', { username, password: PASSWORD });
    expect((await rowOf(username))?.last_login).toBeNull();
    await logIn(username);
    expect((await rowOf(username))?.last_login).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
  });

  it('does not set the last login if it fails', async () => {
    const username = newName();
    await register(username, PASSWORD);
    await logIn(username, 'wrong');
    await set(username, 'is_active = 0');
    await logIn(username);
    expect((await rowOf(username))?.last_login).toBeNull();
  });

  it('replaces an expired token', async () => {
    const username = newName();
    const old = await register(username, PASSWORD);
    await env.DB.prepare("UPDATE authtoken_token SET created = '2020-01-01 00:00:00' WHERE key = ?")
      .bind(old)
      .run();
    const bindings = { ...unthrottled, TOKEN_MAX_AGE_DAYS: '30' };
    const token = await tokenOf(username, bindings);
    expect(token).toMatch(/^[0-9a-f]{40}$/);
    expect(token).not.toBe(old);
    expect((await getAs(token, '/users/me/', bindings)).status).toBe(200);
  });

  it.each([' spaces ', 'spaces'])(
    'accepts the password %j, which a route that does not trim has set',
    async (password) => {
      const username = newName();
      await register(username, password);
      expect((await logIn(username, password)).status).toBe(200);
      expect(await answer(await logIn(username, `${password}x`))).toEqual(WRONG_CREDENTIALS);
    },
  );

  it('takes an address with LOGIN_FIELD = "email"', async () => {
    const bindings = { ...unthrottled, LOGIN_FIELD: 'email' };
    const email = `${newName()}@example.com`;
    const created = await post('/users/', { email, password: PASSWORD }, bindings);
    expect(await answer(created)).toEqual({
      status: 201,
      body: { email, id: expect.any(Number), username: email },
    });
    const byEmail = (address: string, password = PASSWORD) =>
      post('/token/login/', { email: address, password }, bindings);
    expect((await byEmail(email)).status).toBe(200);
    expect((await byEmail(email.toUpperCase())).status).toBe(200);
    for (const response of [
      await byEmail(email, 'wrong'),
      await byEmail(`${newName()}@example.com`),
      await post('/token/login/', { username: email, password: PASSWORD }, bindings),
    ]) {
      expect(await answer(response)).toEqual(WRONG_CREDENTIALS);
    }
    expect((await rowOf(email))?.last_login).not.toBeNull();
  });
});

describe('POST /users/set_username/', () => {
  it('sends a notice and keeps the token', async () => {
    const { bindings, mails } = withMailbox();
    const [username, renamed] = [newName(), newName()];
    const email = await enrol(username);
    const token = await tokenOf(username);
    const body = { new_username: renamed, current_password: PASSWORD };
    const response = await sendAs(token, 'POST', '/users/set_username/', body, bindings);
    expect(response.status).toBe(204);
    expect(mails).toEqual([
      expect.objectContaining({
        to: email,
        subject: 'localhost:8000 - Your username has been successfully changed!',
        text: expect.stringContaining(renamed),
      }),
    ]);
    expect(await answer(await getAs(token, '/users/me/'))).toMatchObject({
      body: { username: renamed },
    });
  });

  it('stores the normal form, and compares the second one in it', async () => {
    const bindings = { ...unthrottled, SET_USERNAME_RETYPE: 'true' };
    const username = newName();
    const token = await register(username, PASSWORD);
    const change = (new_username: string, re_new_username: string) => {
      const body = { new_username, re_new_username, current_password: PASSWORD };
      return sendAs(token, 'POST', '/users/set_username/', body, bindings);
    };
    expect(await answer(await change(`\uff41${username}`, `b${username}`))).toEqual({
      status: 400,
      body: { non_field_errors: ["The two username fields didn't match."] },
    });
    expect((await change(`\uff41${username}`, `a${username}`)).status).toBe(204);
    expect(await rowOf(`a${username}`)).not.toBeNull();
  });

  it('reports a taken name only after the password', async () => {
    const [username, taken] = [newName(), newName()];
    await register(taken);
    const token = await register(username, PASSWORD);
    const change = (current_password: string) =>
      sendAs(token, 'POST', '/users/set_username/', { new_username: taken, current_password });
    expect(await answer(await change('wrong'))).toEqual(WRONG_PASSWORD);
    expect(await answer(await change(PASSWORD))).toEqual({
      status: 400,
      body: { new_username: ['A user with that username already exists.'] },
    });
  });
});

describe('a link for a username', () => {
  const confirm = (body: object, bindings: Bindings) =>
    post('/users/reset_username_confirm/', body, bindings);

  it('is in the message, and works once, also within a second', async () => {
    const { bindings, mails } = withMailbox();
    const [username, renamed] = [newName(), newName()];
    const email = await enrol(username);
    await logIn(username);
    await post('/users/reset_username/', { email }, bindings);
    expect(mails[0]).toMatchObject({ to: email, subject: 'Username reset on localhost:8000' });
    expect(mails[0]?.text).toContain('http://localhost:8000/account#username/');
    const link = linkIn(mails[0]);
    expect((await confirm({ ...link, new_username: renamed }, bindings)).status).toBe(204);
    const again = await confirm({ ...link, new_username: newName() }, bindings);
    expect(await answer(again)).toEqual(INVALID_TOKEN);
    expect(await rowOf(renamed)).not.toBeNull();
    expect(mails[1]?.subject).toBe('localhost:8000 - Your username has been successfully changed!');
  });

  it('works once for simultaneous requests', async () => {
    const { bindings } = withMailbox();
    const username = newName();
    await enrol(username);
    const link = await linkFor(username, { purpose: 'usernameReset' });
    const names = [newName(), newName(), newName()];
    const responses = await Promise.all(
      names.map((new_username) => confirm({ ...link, new_username }, bindings)),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([204, 400, 400]);
  });

  it('leads to USERNAME_RESET_CONFIRM_URL', async () => {
    const { bindings, mails } = withMailbox({
      USERNAME_RESET_CONFIRM_URL: 'https://example.com/name/{uid}/{token}',
    });
    const email = await enrol(newName());
    await post('/users/reset_username/', { email }, bindings);
    expect(mails[0]?.text).toMatch(/https:\/\/example\.com\/name\/\w+\/[\w-]+\n/);
  });

  it('neither sets a password nor activates a user', async () => {
    const { bindings } = withMailbox({ EMAIL_VERIFICATION: 'required' });
    const username = newName();
    await enrol(username);
    const link = await linkFor(username, { purpose: 'usernameReset' });
    const reset = { ...link, new_password: 'a better one' };
    const refused = await post('/users/reset_password_confirm/', reset, bindings);
    expect(await answer(refused)).toEqual(INVALID_TOKEN);
    const activated = await post('/users/activation/', link, bindings);
    expect(await answer(activated)).toEqual(INVALID_TOKEN);
    expect((await logIn(username)).status).toBe(200);
  });

  it.each([
    { of: 'an inactive user', assignment: 'is_active = 0' },
    { of: 'a user with another password', assignment: "password = 'x'" },
    { of: 'a user with another address', assignment: "email = 'b@example.com'" },
    { of: 'a user who has logged in', assignment: "last_login = '2030-01-01 00:00:00'" },
  ])('of $of is not valid', async ({ assignment }) => {
    const { bindings } = withMailbox();
    const username = newName();
    await enrol(username);
    const link = await linkFor(username, { purpose: 'usernameReset' });
    await set(username, assignment);
    const response = await confirm({ ...link, new_username: newName() }, bindings);
    expect(await answer(response)).toEqual(INVALID_TOKEN);
    expect(await rowOf(username)).not.toBeNull();
  });

  it('without its parts is refused', async () => {
    const { bindings } = withMailbox();
    expect(await answer(await confirm({ new_username: newName() }, bindings))).toEqual({
      status: 400,
      body: { uid: ["Invalid user id or user doesn't exist."] },
    });
  });

  it('with USERNAME_RESET_CONFIRM_RETYPE needs the name twice', async () => {
    const { bindings } = withMailbox({ USERNAME_RESET_CONFIRM_RETYPE: 'true' });
    const [username, renamed] = [newName(), newName()];
    await enrol(username);
    const link = await linkFor(username, { purpose: 'usernameReset' });
    const retype = (re_new_username?: string) =>
      confirm({ ...link, new_username: renamed, re_new_username }, bindings);
    expect(await answer(await retype())).toEqual({
      status: 400,
      body: { re_new_username: ['This field is required.'] },
    });
    expect(await answer(await retype('x'))).toEqual({
      status: 400,
      body: { non_field_errors: ["The two username fields didn't match."] },
    });
    expect((await retype(renamed)).status).toBe(204);
  });

  it('of two users with one address is in one message, with a link for each', async () => {
    const { bindings, mails } = withMailbox();
    const [username, other] = [newName(), newName()];
    const email = await enrol(username);
    await post('/users/', { username: other, password: PASSWORD, email });
    expect((await post('/users/reset_username/', { email }, bindings)).status).toBe(204);
    expect(mails).toHaveLength(1);
    for (const name of [username, other]) expect(mails[0]?.text).toContain(`: ${name}\n`);
  });
});

describe('SEND_CONFIRMATION_EMAIL', () => {
  const SUBJECT = 'localhost:8000 - Your account has been successfully created and activated!';

  it('sends a message after a registration, and only if it is on', async () => {
    const { bindings, mails } = withMailbox({ SEND_CONFIRMATION_EMAIL: 'true' });
    const email = await enrol(newName(), bindings);
    await enrol(newName(), { ...bindings, SEND_CONFIRMATION_EMAIL: 'false' });
    expect(mails.map(({ to, subject }) => [to, subject])).toEqual([[email, SUBJECT]]);
  });

  it('sends it after the activation if addresses must be verified', async () => {
    const { bindings, mails } = withMailbox({
      SEND_CONFIRMATION_EMAIL: 'true',
      EMAIL_VERIFICATION: 'required',
    });
    const email = await enrol(newName(), bindings);
    expect(mails.map(({ subject }) => subject)).toEqual(['Account activation on localhost:8000']);
    await post('/users/activation/', linkIn(mails[0]), bindings);
    expect(mails[1]).toMatchObject({ to: email, subject: SUBJECT });
  });
});

describe('the options of the view set', () => {
  it('HEAD and OPTIONS on /users/me/ are 200', async () => {
    const token = await register(newName());
    for (const method of ['HEAD', 'OPTIONS']) {
      expect((await sendAs(token, method, '/users/me/')).status).toBe(200);
    }
  });

  it.each(['/users/me', '/users/1', '/users', '/users/set_password', '/users/reset_username'])(
    'another method on %s is 401 without a token and 405 with one',
    async (path) => {
      const { bindings } = withMailbox();
      expect((await send(path, { method: 'QUERY' }, bindings)).status).toBe(401);
      const response = await sendAs(await register(newName()), 'QUERY', path, undefined, bindings);
      expect(response.status).toBe(405);
      expect(response.headers.get('Allow')).toContain('OPTIONS');
    },
  );
});

describe('without the routes of djoser', () => {
  const { bindings } = withMailbox({ DJOSER: 'false' });

  it('the routes for links stay, and a word below /users/ is 404', async () => {
    const email = `${newName()}@example.com`;
    expect((await post('/users/reset_password', { email }, bindings)).status).toBe(204);
    for (const path of ['/users/me', '/users/1', '/users/anything', '/users', '/token/login']) {
      expect((await send(path, {}, bindings)).status).toBe(404);
    }
  });
});
