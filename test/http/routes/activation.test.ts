/** Verification of the email address before the first login: `EMAIL_VERIFICATION = "required"`. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { answer, getAs, newName, post, register, send, sendAs } from '../../helpers/client.ts';
import { interceptD1 } from '../../helpers/intercept-d1.ts';
import { linkFor, linkIn, linksIn, withMailbox } from '../../helpers/mailbox.ts';

const PASSWORD = 'correct horse';
const REQUIRED = { EMAIL_VERIFICATION: 'required' };

let error: MockInstance;
beforeEach(() => {
  for (const method of ['log', 'warn'] as const) vi.spyOn(console, method).mockReturnValue();
  error = vi.spyOn(console, 'error').mockReturnValue();
});

const errors = () => error.mock.calls.map(([line]) => JSON.parse(String(line)));

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

describe('POST /register with EMAIL_VERIFICATION', () => {
  it('creates an inactive user without a token, whose link activates the account', async () => {
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
  ])('requires an email address and refuses %j', async (given, email) => {
    const { bindings, mails } = verifying();
    const username = newName();
    const response = await post('/register', { username, password: PASSWORD, ...given }, bindings);
    expect(await answer(response)).toEqual({ status: 400, body: { email } });
    expect(mails).toEqual([]);
    expect(await rowOf(username)).toBeNull();
  });

  it('accepts the email address as the username, for older clients', async () => {
    const { bindings, mails } = verifying();
    const email = `${newName()}@example.com`;
    const response = await post('/register', { email, password: PASSWORD }, bindings);
    expect(response.status).toBe(201);
    expect(mails).toHaveLength(1);
    await activate(linkIn(mails[0]), bindings);
    expect((await logIn(email, bindings)).status).toBe(200);
  });

  it('sends a link only to the new user', async () => {
    const { bindings, mails } = verifying();
    const email = `${newName()}@example.com`;
    await enrol(newName(), email, bindings);
    await enrol(newName(), email, bindings);
    expect(mails).toHaveLength(2);
  });

  it('sends no message if the username is taken', async () => {
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

  it.each([
    { missing: 'SECRET_KEY', vars: { SECRET_KEY: undefined }, origin: 'http://localhost:8000' },
    { missing: 'ACTIVATION_URL', vars: {}, origin: 'https://example.com' },
    {
      missing: 'ACTIVATION_URL',
      vars: { ACTIVATION_URL: 'http://localhost:8000/account#activate/{uid}/{token}' },
      origin: 'https://example.com',
    },
  ])(
    'responds 503 without a usable $missing and creates no user',
    async ({ missing, vars, origin }) => {
      const { bindings } = withMailbox({ ...REQUIRED, ...vars });
      const username = newName();
      const email = `${username}@example.com`;
      const body = JSON.stringify({ username, password: PASSWORD, email });
      const headers = { 'Content-Type': 'application/json' };
      const response = await send('/register', { method: 'POST', headers, body }, bindings, origin);
      expect(await answer(response)).toEqual({
        status: 503,
        body: { detail: 'Service temporarily unavailable, try again later.' },
      });
      expect(await rowOf(username)).toBeNull();
      expect(errors()).toEqual([
        expect.objectContaining({
          event: 'mail-unavailable',
          message: expect.stringMatching(new RegExp(`^${missing} `)),
        }),
      ]);
    },
  );

  it('requires only the setting of the activation link', async () => {
    const { bindings, mails } = withMailbox({
      ...REQUIRED,
      ACTIVATION_URL: 'https://example.com/activate/{uid}/{token}',
    });
    const body = JSON.stringify({ email: 'nobody@example.com' });
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body };
    const at = (path: string) => send(path, init, bindings, 'https://example.com');
    expect((await at('/users/resend_activation')).status).toBe(204);
    expect((await at('/users/reset_password')).status).toBe(503);
    const username = newName();
    await enrol(username, `${username}@example.com`, bindings);
    expect(mails[0]?.subject).toBe('Account activation on example.com');
    expect((await activate(linkIn(mails[0]), bindings)).status).toBe(204);
  });

  it('refuses the setting EMAIL_VERIFICATION if e-mail is not configured', async () => {
    const { bindings } = withMailbox({ ...REQUIRED, EMAIL: undefined });
    const response = await enrol(newName(), 'a@example.com', bindings);
    expect(await answer(response)).toEqual({
      status: 500,
      body: { detail: 'A server error occurred.' },
    });
  });
});

describe('an activation link', () => {
  it('works once', async () => {
    const { bindings, mails } = verifying();
    const username = newName();
    await enrol(username, `${username}@example.com`, bindings);
    const link = linkIn(mails[0]);
    await activate(link, bindings);
    expect(await answer(await activate(link, bindings))).toEqual(STALE);
  });

  it("is stale for an active user with a token and no last login, as DRF's login leaves an imported user", async () => {
    const { bindings, mails } = verifying();
    const username = newName();
    await enrol(username, `${username}@example.com`, bindings);
    const link = linkIn(mails[0]);
    await activate(link, bindings);
    await logIn(username, bindings);
    const forget = 'UPDATE auth_user SET last_login = NULL WHERE username = ?';
    await env.DB.prepare(forget).bind(username).run();
    expect(await answer(await activate(link, bindings))).toEqual(STALE);
  });

  it('does not reset a password before activation, after it, or for an active user', async () => {
    const { bindings, mails } = verifying();
    const username = newName();
    await enrol(username, `${username}@example.com`, bindings);
    const link = linkIn(mails[0]);
    const reset = () =>
      post('/users/reset_password_confirm', { ...link, new_password: 'another one' }, bindings);
    const set = (sql: string) =>
      env.DB.prepare(`UPDATE auth_user SET ${sql} WHERE username = ?`).bind(username).run();
    expect(await answer(await reset())).toEqual(INVALID_TOKEN);
    // The user is active and has never logged in, so the signature of the link is still valid.
    await set('is_active = 1');
    expect(await answer(await reset())).toEqual(INVALID_TOKEN);
    await set('is_active = 0');
    expect((await activate(link, bindings)).status).toBe(204);
    expect(await answer(await reset())).toEqual(INVALID_TOKEN);
    expect((await logIn(username, bindings)).status).toBe(200);
  });

  it('from djoser, signed like a password reset, activates the account', async () => {
    const { bindings } = verifying();
    const username = newName();
    await enrol(username, `${username}@example.com`, bindings);
    const link = await linkFor(username, { purpose: 'passwordReset' });
    const reset = { ...link, new_password: 'another one' };
    expect(await answer(await post('/users/reset_password_confirm', reset, bindings))).toEqual(
      INVALID_TOKEN,
    );
    expect((await activate(link, bindings)).status).toBe(204);
    expect((await logIn(username, bindings)).status).toBe(200);
  });

  it('does not reactivate a user deactivated after activation', async () => {
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

  it('is neither sent to nor accepted from a deactivated user with a token', async () => {
    const username = newName();
    const email = `${username}@example.com`;
    await post('/register', { username, password: PASSWORD, email });
    await deactivate(username);
    const { bindings, mails } = verifying();
    await resend(email, bindings);
    expect(mails).toEqual([]);
  });

  it('is not sent to an active user before the first login', async () => {
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
  ])('is refused without effect if the user changes during the request: %s', async (sql) => {
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

  it('is refused after a change of the password or the email address', async () => {
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
  ])('is refused if it is incomplete: %j', async (link, body) => {
    const { bindings } = verifying();
    expect(await answer(await activate(link, bindings))).toEqual({ status: 400, body });
  });

  it('is sent again only to an inactive user; the response is always the same', async () => {
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

describe('POST /users/resend_activation', () => {
  it('sends one message that lists the inactive accounts, or only the named account', async () => {
    const { bindings, mails } = verifying();
    const email = `${newName()}@example.com`;
    const usernames = [newName(), newName(), newName()];
    for (const username of usernames) await enrol(username, email, bindings);
    await activate(linkIn(mails[2]), bindings);
    mails.splice(0);
    await resend(email, bindings);
    const [, named = ''] = usernames;
    await post('/users/resend_activation', { email, username: named }, bindings);
    expect(mails.map(({ to }) => to)).toEqual([email, email]);
    expect(linksIn(mails[0])).toHaveLength(2);
    expect(mails[1]?.text).toContain(`Your username: ${named}\n`);
    expect((await activate(linkIn(mails[1]), bindings)).status).toBe(204);
    expect((await logIn(named, bindings)).status).toBe(200);
  });

  it('sends a link to the inactive account among 10,000 active accounts', async () => {
    const { bindings, mails } = verifying();
    const email = `${newName()}@example.com`;
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
       INSERT INTO auth_user (password, is_superuser, username, last_name, email, is_staff,
         is_active, date_joined, first_name, last_login)
       SELECT 'x', 0, ?1 || '-' || i, '', ?1, 0, i % 2, '2026-01-01 00:00:00', '',
         iif(i % 2, NULL, '2026-01-01 00:00:00') FROM n`,
    )
      .bind(email)
      .run();
    const username = newName();
    await enrol(username, email, bindings);
    await resend(email, bindings);
    expect(mails).toHaveLength(2);
    expect((await activate(linkIn(mails[1]), bindings)).status).toBe(204);
    expect((await logIn(username, bindings)).status).toBe(200);
  });
});

describe('without EMAIL_VERIFICATION', () => {
  it.each(['/users/activation', '/users/resend_activation'])(
    'responds 404 for %s',
    async (path) => {
      const { bindings } = withMailbox({ DJOSER: 'false' });
      for (const method of ['POST', 'GET', 'OPTIONS']) {
        expect(await answer(await send(path, { method }, bindings))).toEqual({
          status: 404,
          body: { detail: 'Not found.' },
        });
      }
    },
  );

  it('registers without an email address or SECRET_KEY and returns a token', async () => {
    const { bindings, mails } = withMailbox({ SECRET_KEY: undefined });
    const body = { username: newName(), password: PASSWORD };
    expect(await answer(await post('/register', body, bindings))).toEqual({
      status: 201,
      body: { token: expect.stringMatching(/^[0-9a-f]{40}$/) },
    });
    expect(mails).toEqual([]);
  });
});

describe('notifications of account changes', () => {
  it('are sent to the old email address, and only if the address changes', async () => {
    const { bindings, mails } = withMailbox();
    const username = newName();
    const token = await register(username, PASSWORD);
    const patch = (changes: object) =>
      sendAs(token, 'PATCH', '/me', { ...changes, current_password: PASSWORD }, bindings);
    await patch({ email: `${username}@old.example` });
    expect(mails).toEqual([]);
    await patch({ first_name: 'Ann' });
    await patch({ email: `${username}@OLD.example` });
    expect(mails).toEqual([]);
    await patch({ email: `${username}@new.example` });
    expect(mails.map(({ to, subject }) => ({ to, subject }))).toEqual([
      {
        to: `${username}@old.example`,
        subject: 'localhost:8000 - Your email address has been changed',
      },
    ]);
  });

  it('are not sent and log no error if the user has no email address', async () => {
    const { bindings, mails } = withMailbox();
    const token = await register(newName(), PASSWORD);
    const body = { current_password: PASSWORD, new_password: 'second' };
    expect((await sendAs(token, 'POST', '/password', body, bindings)).status).toBe(200);
    expect(mails).toEqual([]);
    expect(errors()).toEqual([]);
  });

  it('are sent for a password change unless ACCOUNT_EMAIL_NOTIFICATIONS is off', async () => {
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

  it('are skipped and logged if the site name is unknown, and the change is saved', async () => {
    const { bindings, mails } = withMailbox();
    const username = newName();
    const email = `${username}@example.com`;
    const { token } = await (
      await post('/register', { username, password: PASSWORD, email })
    ).json<{ token: string }>();
    const headers = { 'Content-Type': 'application/json', Authorization: `Token ${token}` };
    const body = JSON.stringify({ current_password: PASSWORD, new_password: 'second' });
    const init = { method: 'POST', headers, body };
    expect((await send('/password', init, bindings, 'https://example.com')).status).toBe(200);
    expect(mails).toEqual([]);
    expect(errors()).toEqual([
      expect.objectContaining({
        event: 'mail-unavailable',
        message: expect.stringMatching(/^PASSWORD_RESET_CONFIRM_URL is not set/),
      }),
    ]);
  });
});
