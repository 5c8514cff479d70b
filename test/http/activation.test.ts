/** Addresses that must be verified before the first login: `EMAIL_VERIFICATION = "required"`. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { answer, getAs, newName, post, register, send, sendAs } from '../helpers/client.ts';
import { interceptD1 } from '../helpers/intercept-d1.ts';
import { linkIn, withMailbox } from '../helpers/mailbox.ts';

const PASSWORD = 'correct horse';
const REQUIRED = { EMAIL_VERIFICATION: 'required' };

beforeEach(() => {
  for (const method of ['log', 'error'] as const) vi.spyOn(console, method).mockReturnValue();
});

const verifying = () => withMailbox(REQUIRED);

type Bindings = ReturnType<typeof verifying>['bindings'];

const enrol = (username: string, email: string, bindings: Bindings) =>
  post('/register', { username, password: PASSWORD, email }, bindings);

const logIn = (username: string, bindings: Bindings, password = PASSWORD) =>
  post('/login', { username, password }, bindings);

const resend = (email: string, bindings: Bindings) =>
  post('/users/resend_activation', { email }, bindings);

const activate = (link: object, bindings: Bindings) => post('/users/activation', link, bindings);

const rowOf = (username: string) =>
  env.DB.prepare(
    `SELECT is_active, last_login, email, (SELECT key FROM authtoken_token WHERE user_id = id) AS key
       FROM auth_user WHERE username = ?`,
  )
    .bind(username)
    .first<{ is_active: number; last_login: string | null; email: string; key: string | null }>();

const deactivate = (username: string) =>
  env.DB.prepare('UPDATE auth_user SET is_active = 0 WHERE username = ?').bind(username).run();

const INVALID_TOKEN = { status: 400, body: { token: ['Invalid token for given user.'] } };
const STALE = { status: 403, body: { detail: 'Stale token for given user.' } };
const REFUSED = {
  status: 401,
  body: { valid: false, detail: 'Unable to log in with provided credentials.' },
};

describe('a registration', () => {
  it('makes an inactive user without a token, who gets a link, follows it and logs in', async () => {
    const { bindings, mails } = verifying();
    const username = newName();
    const email = `${username}@example.com`;
    const registered = await enrol(username, email, bindings);
    expect(await answer(registered)).toEqual({
      status: 201,
      body: { detail: 'Verification e-mail sent.' },
    });
    expect(await rowOf(username)).toEqual({ is_active: 0, last_login: null, email, key: null });
    expect(await answer(await logIn(username, bindings))).toEqual(REFUSED);
    expect(mails.map(({ to, subject }) => ({ to, subject }))).toEqual([
      { to: email, subject: 'Account activation on localhost:8000' },
    ]);
    expect(mails[0]?.text).toContain('http://localhost:8000/account#activate/');

    const log = vi.spyOn(console, 'log');
    log.mockClear();
    const activated = await activate(linkIn(mails[0]), bindings);
    expect(activated.status).toBe(204);
    expect(log.mock.calls.map(([line]) => JSON.parse(String(line)))).toEqual([
      { event: 'activated', user_id: expect.any(Number), request_id: expect.any(String) },
    ]);
    expect(await activated.text()).toBe('');
    expect(await rowOf(username)).toMatchObject({
      is_active: 1,
      last_login: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/),
    });
    const loggedIn = await logIn(username, bindings);
    expect(loggedIn.status).toBe(200);
    const { token } = await loggedIn.json<{ token: string }>();
    expect(await (await getAs(token, '/me', bindings)).json()).toMatchObject({ username, email });
  });

  it.each([
    [{}, ['This field is required.']],
    [{ email: '' }, ['This field may not be blank.']],
    [{ email: 'nowhere' }, ['Enter a valid email address.']],
  ])('needs an address, not %j', async (given, email) => {
    const { bindings, mails } = verifying();
    const username = newName();
    const response = await post('/register', { username, password: PASSWORD, ...given }, bindings);
    expect(await answer(response)).toEqual({ status: 400, body: { email } });
    expect(mails).toEqual([]);
    expect(await rowOf(username)).toBeNull();
  });

  it('takes the address for the name, too, from older clients', async () => {
    const { bindings, mails } = verifying();
    const email = `${newName()}@example.com`;
    const response = await post('/register', { email, password: PASSWORD }, bindings);
    expect(response.status).toBe(201);
    expect(mails).toHaveLength(1);
    await activate(linkIn(mails[0]), bindings);
    expect((await logIn(email, bindings)).status).toBe(200);
  });

  it('sends a link to nobody but the new user', async () => {
    const { bindings, mails } = verifying();
    const email = `${newName()}@example.com`;
    await enrol(newName(), email, bindings);
    await enrol(newName(), email, bindings);
    expect(mails).toHaveLength(2);
  });

  it('of a taken name sends nothing', async () => {
    const { bindings, mails } = verifying();
    const username = newName();
    await register(username, PASSWORD);
    const response = await enrol(username, `${username}@example.com`, bindings);
    expect(await answer(response)).toEqual({
      status: 400,
      body: { username: ['A user with that username already exists.'] },
    });
    expect(mails).toEqual([]);
  });

  it('is answered with 503 where there is no SECRET_KEY, and makes no user', async () => {
    const { bindings } = withMailbox({ ...REQUIRED, SECRET_KEY: undefined });
    const username = newName();
    const response = await enrol(username, `${username}@example.com`, bindings);
    expect(await answer(response)).toEqual({
      status: 503,
      body: { detail: 'Service temporarily unavailable, try again later.' },
    });
    expect(await rowOf(username)).toBeNull();
  });

  it('is a setting that cannot be used where no e-mail can be sent', async () => {
    const { bindings } = withMailbox({ ...REQUIRED, EMAIL: undefined });
    const response = await enrol(newName(), 'a@example.com', bindings);
    expect(await answer(response)).toEqual({
      status: 500,
      body: { detail: 'A server error occurred.' },
    });
  });
});

describe('a link', () => {
  it('that was followed is stale, and resets no password', async () => {
    const { bindings, mails } = verifying();
    const username = newName();
    await enrol(username, `${username}@example.com`, bindings);
    const link = linkIn(mails[0]);
    await activate(link, bindings);
    expect(await answer(await activate(link, bindings))).toEqual(STALE);
    const reset = { ...link, new_password: 'another one' };
    expect(await answer(await post('/users/reset_password_confirm', reset, bindings))).toEqual(
      INVALID_TOKEN,
    );
  });

  it('does not let in again who was deactivated after the activation', async () => {
    const { bindings, mails } = verifying();
    const username = newName();
    const email = `${username}@example.com`;
    await enrol(username, email, bindings);
    const link = linkIn(mails[0]);
    await activate(link, bindings);
    await deactivate(username);
    expect(await answer(await activate(link, bindings))).toEqual(STALE);
    expect((await resend(email, bindings)).status).toBe(204);
    expect(mails).toHaveLength(1);
    expect(await answer(await logIn(username, bindings))).toEqual(REFUSED);
  });

  it('is not sent to a user with a token who was deactivated, nor is one of his taken', async () => {
    const username = newName();
    const email = `${username}@example.com`;
    await post('/register', { username, password: PASSWORD, email });
    await deactivate(username);
    const { bindings, mails } = verifying();
    await resend(email, bindings);
    expect(mails).toEqual([]);
  });

  it('is not sent to an active user who has not logged in yet', async () => {
    const { bindings, mails } = verifying();
    const username = newName();
    const email = `${username}@example.com`;
    await enrol(username, email, bindings);
    await env.DB.prepare('UPDATE auth_user SET is_active = 1 WHERE username = ?')
      .bind(username)
      .run();
    await resend(email, bindings);
    expect(mails).toHaveLength(1);
  });

  it.each([
    'UPDATE auth_user SET is_active = 1 WHERE username = ?',
    "UPDATE auth_user SET last_login = '2026-01-02 03:04:05' WHERE username = ?",
    "INSERT INTO authtoken_token SELECT username, '2026-01-02 03:04:05', id FROM auth_user WHERE username = ?",
  ])('is stale where somebody was faster, and does nothing: %s', async (sql) => {
    const { bindings, mails } = verifying();
    const username = newName();
    await enrol(username, `${username}@example.com`, bindings);
    let changed: unknown;
    const DB = interceptD1(env.DB, {
      around: async ({ run }) => {
        const found = await run();
        if (changed === undefined) {
          await env.DB.prepare(sql).bind(username).run();
          changed = await rowOf(username);
        }
        return found;
      },
    });
    const late = await activate(linkIn(mails[0]), { ...bindings, DB });
    expect(await answer(late)).toEqual(STALE);
    expect(await rowOf(username)).toEqual(changed);
  });

  it('is not taken once the password or the address has changed', async () => {
    const { bindings, mails } = verifying();
    const username = newName();
    await enrol(username, `${username}@example.com`, bindings);
    const link = linkIn(mails[0]);
    await env.DB.prepare('UPDATE auth_user SET email = ? WHERE username = ?')
      .bind('other@example.com', username)
      .run();
    expect(await answer(await activate(link, bindings))).toEqual(INVALID_TOKEN);
  });

  it.each([
    [{ token: 'x' }, { uid: ['This field is required.'] }],
    [{ uid: 'MQ' }, { token: ['This field is required.'] }],
    [{ uid: '%%', token: 'x' }, { uid: ["Invalid user id or user doesn't exist."] }],
  ])('must be whole: %j', async (link, body) => {
    const { bindings } = verifying();
    expect(await answer(await activate(link, bindings))).toEqual({ status: 400, body });
  });

  it('is sent again to who asks, and to nobody else, with the same answer', async () => {
    const { bindings, mails } = verifying();
    const username = newName();
    const email = `${username}@example.com`;
    await enrol(username, email, bindings);
    expect((await resend(email.toUpperCase(), bindings)).status).toBe(204);
    expect((await resend(`${newName()}@example.com`, bindings)).status).toBe(204);
    const message = { to: email, subject: 'Account activation on localhost:8000' };
    expect(mails).toMatchObject([message, message]);
    expect(mails).toHaveLength(2);
    expect((await activate(linkIn(mails[1]), bindings)).status).toBe(204);
    expect((await resend(email, bindings)).status).toBe(204);
    expect(mails).toHaveLength(2);
  });
});

describe('a reset before the activation', () => {
  it('sets the password and leaves the user inactive and able to activate himself', async () => {
    const { bindings, mails } = verifying();
    const username = newName();
    const email = `${username}@example.com`;
    await enrol(username, email, bindings);
    const reset = { ...linkIn(mails[0]), new_password: 'another one' };
    const response = await post('/users/reset_password_confirm', reset, bindings);
    expect(response.status).toBe(204);
    expect((await logIn(username, bindings, 'another one')).status).toBe(401);
    await resend(email, bindings);
    expect((await activate(linkIn(mails.at(-1)), bindings)).status).toBe(204);
    expect((await logIn(username, bindings, 'another one')).status).toBe(200);
  });
});

describe('without EMAIL_VERIFICATION', () => {
  it.each(['/users/activation', '/users/resend_activation'])('there is no %s', async (path) => {
    const { bindings } = withMailbox();
    for (const method of ['POST', 'GET', 'OPTIONS']) {
      expect(await answer(await send(path, { method }, bindings))).toEqual({
        status: 404,
        body: { detail: 'Not found.' },
      });
    }
  });

  it('a registration needs neither address nor SECRET_KEY, and gives a token', async () => {
    const { bindings, mails } = withMailbox({ SECRET_KEY: undefined });
    const body = { username: newName(), password: PASSWORD };
    expect(await answer(await post('/register', body, bindings))).toEqual({
      status: 201,
      body: { token: expect.stringMatching(/^[0-9a-f]{40}$/) },
    });
    expect(mails).toEqual([]);
  });
});

describe('a change', () => {
  it('of the address is told at the old one, and only then', async () => {
    const { bindings, mails } = withMailbox();
    const username = newName();
    const token = await register(username, PASSWORD);
    await sendAs(token, 'PATCH', '/me', { email: `${username}@old.example` }, bindings);
    expect(mails).toEqual([]);
    await sendAs(token, 'PATCH', '/me', { first_name: 'Ann' }, bindings);
    await sendAs(token, 'PATCH', '/me', { email: `${username}@OLD.example` }, bindings);
    expect(mails).toEqual([]);
    await sendAs(token, 'PATCH', '/me', { email: `${username}@new.example` }, bindings);
    expect(mails.map(({ to, subject }) => ({ to, subject }))).toEqual([
      {
        to: `${username}@old.example`,
        subject: 'localhost:8000 - Your email address has been changed',
      },
    ]);
  });

  it('of the password is told to nobody where there is no address, which is no fault', async () => {
    const { bindings, mails } = withMailbox();
    const errors = vi.spyOn(console, 'error');
    const token = await register(newName(), PASSWORD);
    const body = { current_password: PASSWORD, new_password: 'second' };
    expect((await sendAs(token, 'POST', '/password', body, bindings)).status).toBe(200);
    expect(mails).toEqual([]);
    expect(errors).not.toHaveBeenCalled();
  });

  it('of the password is told, and with ACCOUNT_EMAIL_NOTIFICATIONS off nothing is', async () => {
    const username = newName();
    const email = `${username}@example.com`;
    const { token } = await (
      await post('/register', { username, password: PASSWORD, email })
    ).json<{ token: string }>();
    const on = withMailbox();
    const change = (current: string, next: string, key: string, bindings: Bindings) =>
      sendAs(key, 'POST', '/password', { current_password: current, new_password: next }, bindings);
    const changed = await change(PASSWORD, 'second', token, on.bindings);
    expect(on.mails.map(({ to, subject }) => ({ to, subject }))).toEqual([
      { to: email, subject: 'localhost:8000 - Your password has been successfully changed!' },
    ]);
    const second = await changed.json<{ token: string }>();
    const off = withMailbox({ ACCOUNT_EMAIL_NOTIFICATIONS: 'false' });
    expect((await change('second', 'third', second.token, off.bindings)).status).toBe(200);
    expect(off.mails).toEqual([]);
  });
});
