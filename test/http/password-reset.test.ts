import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { createApp } from '../../src/app.ts';
import { makePassword } from '../../src/auth/passwords/hashers.ts';
import type { Bindings } from '../../src/bindings.ts';
import app from '../../src/index.ts';
import { sendByHttp } from '../fixtures/send-by-http.ts';
import { answer, getAs, newName, post, send } from '../helpers/client.ts';
import { interceptD1, watchD1 } from '../helpers/intercept-d1.ts';
import { linkFor, linkIn, withMailbox } from '../helpers/mailbox.ts';

const PASSWORD = 'forgotten words';
const NEW_PASSWORD = 'remembered words';

let logs: MockInstance[];
beforeEach(() => {
  logs = [vi.spyOn(console, 'log'), vi.spyOn(console, 'error'), vi.spyOn(console, 'warn')];
  for (const log of logs) log.mockImplementation(() => {});
});

const logged = () => logs.flatMap((log) => log.mock.calls.flat()).join('\n');
const events = () =>
  logs
    .flatMap((log) => log.mock.calls.map(([line]) => JSON.parse(line)))
    .filter(({ event }) => event !== 'not-throttled');

/** Registers a user with an address. */
async function registerWithEmail(email: string, username = newName()) {
  const response = await post('/register', { username, password: PASSWORD, email });
  const { token } = await response.json<{ token: string }>();
  return { username, token };
}

const ask = (email: unknown, bindings = withMailbox().bindings) =>
  post('/users/reset_password', { email }, bindings);

const confirm = (body: object, bindings = withMailbox().bindings) =>
  post('/users/reset_password_confirm', { new_password: NEW_PASSWORD, ...body }, bindings);

const login = (username: string, password: string) => post('/login', { username, password });

const change = (username: string, column: string, value: unknown) =>
  env.DB.prepare(`UPDATE auth_user SET ${column} = ? WHERE username = ?`)
    .bind(value, username)
    .run();

const DAY_MS = 24 * 60 * 60 * 1000;

describe('a forgotten password', () => {
  it('is replaced by the link in the mail: the old token, the old password and the link are dead', async () => {
    const email = `${newName()}@example.com`;
    const { username, token } = await registerWithEmail(email);
    const { bindings, mails } = withMailbox();

    const asked = await ask(email, bindings);
    expect(asked.status).toBe(204);
    expect(await asked.text()).toBe('');
    expect(mails.map(({ to, subject }) => ({ to, subject }))).toEqual([
      { to: email, subject: 'Password reset on localhost:8000' },
    ]);
    expect(mails[0]?.from).toEqual({ name: 'Us', email: 'us@example.com' });

    const link = linkIn(mails[0]);
    const confirmed = await confirm(link, bindings);
    expect(confirmed.status).toBe(204);
    expect(await confirmed.text()).toBe('');
    expect((await getAs(token)).status).toBe(401);
    expect((await login(username, PASSWORD)).status).toBe(401);
    const loggedIn = await login(username, NEW_PASSWORD);
    expect(await answer(loggedIn)).toEqual({
      status: 200,
      body: { valid: true, token: expect.not.stringContaining(token) },
    });

    expect(await answer(await confirm(link, bindings))).toEqual({
      status: 400,
      body: { token: ['Invalid token for given user.'] },
    });
    expect(mails.map(({ subject }) => subject)).toEqual([
      'Password reset on localhost:8000',
      'localhost:8000 - Your password has been successfully changed!',
    ]);
    expect(logged()).not.toContain(email);
    expect(logged()).not.toContain(link.token);
    expect(events().map(({ event, mail, reason }) => [event, mail ?? reason])).toEqual([
      ['registered', undefined],
      ['mail-sent', 'passwordReset'],
      ['password-reset', undefined],
      ['mail-sent', 'passwordChanged'],
      ['login-failed', 'wrong-password'],
      ['login-succeeded', undefined],
      ['link-refused', 'invalid-link-token'],
    ]);
  });

  it('is no secret about who is a user: the answers are the same to the byte', async () => {
    const email = `${newName()}@example.com`;
    await registerWithEmail(email);
    const whole = async (response: Response) => ({
      status: response.status,
      headers: [...response.headers],
      body: await response.text(),
    });
    const { bindings, mails } = withMailbox();
    const known = await whole(await ask(email, bindings));
    const unknown = await whole(await ask(`${newName()}@example.com`, bindings));
    expect(mails).toHaveLength(1);
    expect(unknown).toEqual(known);
    expect(known.status).toBe(204);
  });

  it('sends each user of the address a link of its own, to the address as it is stored', async () => {
    const name = newName();
    const first = await registerWithEmail(`${name}@example.com`);
    const second = await registerWithEmail(`${name.toUpperCase()}@Example.COM`);
    const { bindings, mails } = withMailbox();
    await ask(`${name}@EXAMPLE.com`, bindings);
    expect(mails.map(({ to }) => to)).toEqual([
      `${name}@example.com`,
      `${name.toUpperCase()}@example.com`,
    ]);
    expect((await confirm(linkIn(mails[1]), bindings)).status).toBe(204);
    expect((await login(second.username, NEW_PASSWORD)).status).toBe(200);
    expect((await login(first.username, PASSWORD)).status).toBe(200);
  });

  it('sends to ten users of one address at the most', async () => {
    const email = `${newName()}@example.com`;
    for (let user = 0; user < 11; user++) await registerWithEmail(email);
    const { bindings, mails } = withMailbox();
    await ask(email, bindings);
    expect(mails).toHaveLength(10);
  });

  it.each([
    { who: 'inactive', column: 'is_active', value: 0 },
    { who: 'without a usable password', column: 'password', value: '!unusable' },
  ])('sends nothing to a user who is $who', async ({ column, value }) => {
    const email = `${newName()}@example.com`;
    const { username } = await registerWithEmail(email);
    await change(username, column, value);
    const { bindings, mails } = withMailbox();
    expect((await ask(email, bindings)).status).toBe(204);
    expect(mails).toEqual([]);
  });

  it.each(['_', '%', '_____'])('takes %j for itself and not for a wildcard', async (wildcard) => {
    await registerWithEmail('aaaaa@wild.example');
    const { bindings, mails } = withMailbox();
    await ask(`${wildcard}@wild.example`, bindings);
    expect(mails).toEqual([]);
  });

  it('is not found by an address that only looks the same (CVE-2019-19844)', async () => {
    await registerWithEmail('mike@example.org');
    const { bindings, mails } = withMailbox();
    await ask('mıke@example.org', bindings);
    await ask('mike@exªmple.org', bindings);
    expect(mails).toEqual([]);
  });

  it.each([
    [{}, ['This field is required.']],
    [{ email: '' }, ['This field may not be blank.']],
    [{ email: null }, ['This field may not be null.']],
    [{ email: 'no address' }, ['Enter a valid email address.']],
    [{ email: 'a@example.com\r\nBcc: b@example.com' }, ['Enter a valid email address.']],
    [{ email: ['a@example.com'] }, ['Enter a valid email address.']],
  ])('needs an address, not %j', async (body, email) => {
    const { bindings, mails } = withMailbox();
    const response = await post('/users/reset_password', body, bindings);
    expect(await answer(response)).toEqual({ status: 400, body: { email } });
    expect(mails).toEqual([]);
  });
});

describe('the link in the mail', () => {
  it.each([
    ['Host', 'evil.example'],
    ['X-Forwarded-Host', 'evil.example'],
    ['Forwarded', 'host=evil.example'],
    ['X-Forwarded-Proto', 'https'],
    ['Origin', 'https://evil.example'],
    ['Referer', 'https://evil.example/'],
  ])('does not take its address from %s', async (header, value) => {
    const email = `${newName()}@example.com`;
    await registerWithEmail(email);
    const { bindings, mails } = withMailbox();
    const headers = { 'Content-Type': 'application/json', [header]: value };
    const body = JSON.stringify({ email });
    await send(
      '/users/reset_password',
      { method: 'POST', headers, body },
      bindings,
      'https://evil.example',
    );
    expect(mails[0]?.text).toContain('http://localhost:8000/account#reset/');
    expect(JSON.stringify(mails)).not.toContain('evil');
  });

  it('leads where PASSWORD_RESET_CONFIRM_URL says', async () => {
    const email = `${newName()}@example.com`;
    await registerWithEmail(email);
    const { bindings, mails } = withMailbox({
      PASSWORD_RESET_CONFIRM_URL: 'https://example.com/password/reset/confirm/{uid}/{token}',
    });
    await ask(email, bindings);
    const { uid, token } = linkIn(mails[0]);
    expect(mails[0]?.text).toContain(
      `\nhttps://example.com/password/reset/confirm/${uid}/${token}\n`,
    );
    expect(mails[0]?.subject).toBe('Password reset on example.com');
  });
});

describe('a new password', () => {
  const valid = { uid: 'MQ', token: 'x', new_password: NEW_PASSWORD };

  it.each([
    ['uid', undefined, 'This field is required.'],
    ['uid', '', 'This field may not be blank.'],
    ['token', null, 'This field may not be null.'],
    ['token', {}, 'Not a valid string.'],
    ['new_password', undefined, 'This field is required.'],
    ['new_password', '', 'This field may not be blank.'],
    ['new_password', 'a\0b', 'Null characters are not allowed.'],
  ])('needs %s, not %j', async (field, value, sentence) => {
    const response = await confirm({ ...valid, [field]: value });
    expect(await answer(response)).toEqual({ status: 400, body: { [field]: [sentence] } });
  });

  it.each(['MQMQMQ', 'bWVn', '!', 'LTE', 'OTk5OTk5OTk'])('is nobody’s with uid %j', async (uid) => {
    const response = await confirm({ ...valid, uid });
    expect(await answer(response)).toEqual({
      status: 400,
      body: { uid: ["Invalid user id or user doesn't exist."] },
    });
  });

  it('is taken until PASSWORD_RESET_TIMEOUT is over', async () => {
    const { username } = await registerWithEmail(`${newName()}@example.com`);
    const { bindings } = withMailbox({ PASSWORD_RESET_TIMEOUT: '86400' });
    const old = await linkFor(username, new Date(Date.now() - DAY_MS - 2000));
    expect(await answer(await confirm(old, bindings))).toEqual({
      status: 400,
      body: { token: ['Invalid token for given user.'] },
    });
    const fresh = await linkFor(username, new Date(Date.now() - DAY_MS + 60_000));
    expect((await confirm(fresh, bindings)).status).toBe(204);
  });

  it('is taken with a link that was signed with one of SECRET_KEY_FALLBACKS', async () => {
    const { username } = await registerWithEmail(`${newName()}@example.com`);
    const link = await linkFor(username, new Date(), 'an older key');
    expect((await confirm(link)).status).toBe(400);
    const { bindings } = withMailbox({ SECRET_KEY_FALLBACKS: 'the oldest key, an older key' });
    expect((await confirm(link, bindings)).status).toBe(204);
  });

  it('is not taken once the address or the password has changed, or with another’s link', async () => {
    const { username } = await registerWithEmail(`${newName()}@example.com`);
    const other = await registerWithEmail(`${newName()}@example.com`);
    const link = await linkFor(username);
    const { uid } = await linkFor(other.username);
    expect((await confirm({ ...link, uid })).status).toBe(400);
    await change(username, 'email', 'new@example.com');
    expect((await confirm(link)).status).toBe(400);
    const second = await linkFor(username);
    await change(username, 'last_login', '2026-01-01 00:00:00');
    expect((await confirm(second)).status).toBe(400);
    expect((await login(username, PASSWORD)).status).toBe(200);
  });

  it('is set by one of two requests with the same link', async () => {
    const { username } = await registerWithEmail(`${newName()}@example.com`);
    const link = await linkFor(username);
    const passwords = ['first password', 'second password'];
    const statuses = await Promise.all(
      passwords.map(async (new_password) => (await confirm({ ...link, new_password })).status),
    );
    expect(statuses.sort()).toEqual([204, 400]);
    const logins = await Promise.all(
      passwords.map(async (password) => (await login(username, password)).status),
    );
    expect(logins.sort()).toEqual([200, 401]);
  });

  it('is not set where the password changes while the link is looked at: its token lives', async () => {
    const { username, token } = await registerWithEmail(`${newName()}@example.com`);
    const link = await linkFor(username);
    const password = await makePassword('of somebody faster', 1000);
    const DB = interceptD1(env.DB, {
      around: async ({ run }) => {
        const found = await run();
        await change(username, 'password', password);
        return found;
      },
    });
    expect(await answer(await confirm(link, withMailbox({ DB }).bindings))).toEqual({
      status: 400,
      body: { token: ['Invalid token for given user.'] },
    });
    expect((await getAs(token)).status).toBe(200);
    expect((await login(username, 'of somebody faster')).status).toBe(200);
  });

  it('must pass the validators: those without a user before the link is looked at', async () => {
    const { username } = await registerWithEmail(`${newName()}@example.com`);
    const { bindings } = withMailbox({
      AUTH_PASSWORD_VALIDATORS: 'UserAttributeSimilarity,MinimumLength,NumericPassword',
    });
    expect(await answer(await confirm({ ...valid, new_password: '123' }, bindings))).toEqual({
      status: 400,
      body: {
        new_password: [
          'This password is too short. It must contain at least 8 characters.',
          'This password is entirely numeric.',
        ],
      },
    });
    await change(username, 'first_name', 'Bartholomew');
    const link = await linkFor(username);
    const similar = { ...link, new_password: 'bartholomew1' };
    expect(await answer(await confirm(similar, bindings))).toEqual({
      status: 400,
      body: { new_password: ['The password is too similar to the first name.'] },
    });
    expect((await confirm(link, bindings)).status).toBe(204);
  });
});

describe('without what it needs', () => {
  const routes = ['/users/reset_password', '/users/reset_password_confirm'];

  it.each(routes)('%s is not there where no e-mail can be sent', async (path) => {
    for (const without of [{ EMAIL: undefined }, { DEFAULT_FROM_EMAIL: undefined }]) {
      const { bindings } = withMailbox(without);
      const response = await post(path, {}, bindings);
      expect(await answer(response)).toEqual({ status: 404, body: { detail: 'Not found.' } });
      expect((await send(path, {}, bindings)).status).toBe(404);
    }
    const { bindings } = withMailbox();
    const wrongMethod = await send(path, {}, bindings);
    expect(await answer(wrongMethod)).toEqual({
      status: 405,
      body: { detail: 'Method "GET" not allowed.' },
    });
    expect(wrongMethod.headers.get('Allow')).toBe('POST, OPTIONS');
  });

  it.each(routes)(
    '%s says in the log that SECRET_KEY is missing, and answers 503',
    async (path) => {
      const { bindings } = withMailbox({ SECRET_KEY: undefined });
      const response = await post(path, { email: 'a@example.com' }, bindings);
      expect(await answer(response)).toEqual({
        status: 503,
        body: { detail: 'Service temporarily unavailable, try again later.' },
      });
      expect(events()).toEqual([
        expect.objectContaining({
          event: 'mail-unavailable',
          message: 'SECRET_KEY is not set. Set it: npm run wrangler -- secret put SECRET_KEY',
        }),
      ]);
    },
  );
});

describe('another mail service', () => {
  it('carries the messages in the place of the binding', async () => {
    const email = `${newName()}@example.com`;
    await registerWithEmail(email);
    const asked = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response());
    const app = createApp<Bindings & { MAIL_URL: string; MAIL_KEY: string }>({
      sendMail: sendByHttp,
    });
    const { bindings, mails } = withMailbox();
    const ctx = createExecutionContext();
    const response = await app.request(
      '/users/reset_password',
      {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ email }),
      },
      { ...bindings, MAIL_URL: 'https://mail.example/send', MAIL_KEY: 'key' },
      ctx,
    );
    expect(response.status).toBe(204);
    await waitOnExecutionContext(ctx);
    expect(mails).toEqual([]);
    const [[url, init] = []] = asked.mock.calls;
    expect(url).toBe('https://mail.example/send');
    expect(JSON.parse(String(init?.body))).toMatchObject({
      from: 'Us <us@example.com>',
      to: email,
      subject: 'Password reset on localhost:8000',
    });
  });
});

describe('the work after an answer', () => {
  it.each(['/users/reset_password', '/users/resend_activation'])(
    'of %s begins once the answer is out: its time tells nothing',
    async (path) => {
      const { bindings: watched, roundTrips } = watchD1();
      const { bindings } = withMailbox({ DB: watched.DB, EMAIL_VERIFICATION: 'required' });
      const ctx = createExecutionContext();
      const request = new Request(`http://localhost:8000${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ email: 'meg@example.com' }),
      });
      const response = await app.fetch(request, bindings, ctx);
      expect(response.status).toBe(204);
      expect(roundTrips).toHaveLength(0);
      await waitOnExecutionContext(ctx);
      expect(roundTrips).toHaveLength(1);
    },
  );

  it('looks the address up by an index', async () => {
    const { bindings: watched, roundTrips } = watchD1();
    const { bindings } = withMailbox({ DB: watched.DB });
    await ask('meg@example.com', bindings);
    const [
      {
        sql: [sql = ''],
      } = { sql: [] },
    ] = roundTrips;
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind('meg@example.com', 10)
      .all<{ detail: string }>();
    expect(results.map(({ detail }) => detail).join()).toContain('auth_user_email_nocase');
    expect(results.map(({ detail }) => detail).join()).not.toContain('SCAN');
  });
});
