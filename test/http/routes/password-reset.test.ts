import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Hono } from 'hono';
import { beforeEach, describe, expect, it, type MockInstance, onTestFinished, vi } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { makePassword } from '../../../src/hashing/hashers.ts';
import app from '../../../src/index.ts';
import type { Bindings } from '../../../src/services/bindings.ts';
import { sendByHttp } from '../../fixtures/send-by-http.ts';
import { answer, getAs, newName, post, register, send } from '../../helpers/client.ts';
import { interceptD1, watchD1 } from '../../helpers/intercept-d1.ts';
import { linkFor, linkIn, linksIn, withMailbox } from '../../helpers/mailbox.ts';

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

/** Registers a user with an email address. */
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

const UNAVAILABLE = {
  status: 503,
  body: { detail: 'Service temporarily unavailable, try again later.' },
};

const postOf = (body: object, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

/** Requests a link at an origin. */
const askAt = (
  origin: string,
  body: object,
  bindings: Bindings,
  headers?: Record<string, string>,
) => send('/users/reset_password', postOf(body, headers), bindings, origin);

/** Inserts 10,000 users with this address, as an attacker could over time. */
const crowd = (email: string, { is_active, password }: { is_active: number; password: string }) =>
  env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
     INSERT INTO auth_user (password, is_superuser, username, last_name, email, is_staff, is_active,
       date_joined, first_name)
     SELECT ?1, 0, ?2 || '-' || i, '', ?2, 0, ?3, '2026-01-01 00:00:00', '' FROM n`,
  )
    .bind(password, email, is_active)
    .run();

describe('POST /users/reset_password', () => {
  it('sends a link that sets a new password and revokes the old token and itself', async () => {
    const email = `${newName()}@example.com`;
    const { username, token } = await registerWithEmail(email);
    const { bindings, mails } = withMailbox();

    const response = await ask(email, bindings);
    expect(response.status).toBe(204);
    expect(await response.text()).toBe('');
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

  it.each([
    ['a hash above the limits', 'argon2$argon2id$v=19$m=131072,t=2,p=8$c29tZXNhbHQ$aGFzaA'],
    ['a hash whose hasher is not listed', 'md5$salt$2338b2cbd799d580b6a70349f87de5ea'],
  ])('sends a link that replaces %s', async (_, encoded) => {
    const email = `${newName()}@example.com`;
    const { username } = await registerWithEmail(email);
    await change(username, 'password', encoded);
    const { bindings, mails } = withMailbox();
    await ask(email, bindings);
    expect((await confirm(linkIn(mails[0]), bindings)).status).toBe(204);
    expect((await login(username, NEW_PASSWORD)).status).toBe(200);
  });

  it('responds with the same bytes, whether or not the user exists', async () => {
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

  it('sends one message that lists the accounts of the address, each with a valid link', async () => {
    const email = `${newName()}@example.com`;
    const users = [await registerWithEmail(email), await registerWithEmail(email)];
    const { bindings, mails } = withMailbox();
    await ask(email.toUpperCase(), bindings);
    expect(mails.map(({ to }) => to)).toEqual([email]);
    const links = linksIn(mails[0]);
    expect(links).toHaveLength(2);
    for (const [i, { username }] of users.entries()) {
      expect(mails[0]?.text).toContain(`: ${username}\n`);
      expect((await confirm({ ...links[i] }, bindings)).status).toBe(204);
      expect((await login(username, NEW_PASSWORD)).status).toBe(200);
    }
    expect(events().filter(({ mail }) => mail === 'passwordReset')).toEqual(
      links.map(() => expect.objectContaining({ event: 'mail-sent' })),
    );
  });

  it('sends no link to another spelling of the address, which may be another mailbox', async () => {
    const name = newName();
    const first = await registerWithEmail(`${name.toUpperCase()}@example.com`);
    const second = await registerWithEmail(`${name}@example.com`);
    const { bindings, mails } = withMailbox();
    await ask(`${name}@EXAMPLE.com`, bindings);
    await ask(`${name.toUpperCase()}@example.com`, bindings);
    expect(mails.map(({ to }) => to)).toEqual([
      `${name}@example.com`,
      `${name.toUpperCase()}@example.com`,
    ]);
    for (const mail of mails) expect(mail.text).toContain('More accounts have this address.');
    expect(linksIn(mails[0])).toHaveLength(1);
    expect((await confirm(linkIn(mails[0]), bindings)).status).toBe(204);
    expect((await login(second.username, NEW_PASSWORD)).status).toBe(200);
    expect((await login(first.username, PASSWORD)).status).toBe(200);
  });

  it('sends a link for one account if the request names it, in any Unicode form', async () => {
    const email = `${newName()}@example.com`;
    const name = newName();
    const users = [await registerWithEmail(email), await registerWithEmail(email, `${name}fi`)];
    const { bindings, mails } = withMailbox();
    for (const username of [users[0]?.username, `${name}\ufb01`]) {
      const response = await post('/users/reset_password', { email, username }, bindings);
      expect(response.status).toBe(204);
    }
    expect(mails).toHaveLength(2);
    for (const [i, { username }] of users.entries()) {
      expect(linksIn(mails[i])).toHaveLength(1);
      expect(mails[i]?.text).toContain(`Your username, in case you’ve forgotten: ${username}\n`);
      expect(mails[i]?.text).not.toContain('More accounts');
    }
  });

  it.each([
    { what: 'another address', email: 'other@example.com' },
    { what: 'an unknown username', username: 'nobody' },
  ])('sends nothing to $what, with the same response', async ({ what: _, ...wrong }) => {
    const email = `${newName()}@example.com`;
    const { username } = await registerWithEmail(email);
    const { bindings, mails } = withMailbox();
    const body = { email, username, ...wrong };
    const response = await post('/users/reset_password', body, bindings);
    expect({ status: response.status, body: await response.text() }).toEqual({
      status: 204,
      body: '',
    });
    expect(mails).toEqual([]);
    expect(events().at(-1)).toMatchObject({ event: 'mail-not-sent', mail: 'passwordReset' });
  });

  it('treats a blank username as missing and refuses one of more than 150 characters', async () => {
    const email = `${newName()}@example.com`;
    await registerWithEmail(email);
    const { bindings, mails } = withMailbox();
    await post('/users/reset_password', { email, username: ' ' }, bindings);
    expect(mails).toHaveLength(1);
    const long = { email, username: 'a'.repeat(151) };
    expect(await answer(await post('/users/reset_password', long, bindings))).toEqual({
      status: 400,
      body: { username: ['Ensure this field has no more than 150 characters.'] },
    });
  });

  it.each([
    { crowd: 'active', is_active: 1, password: 'x', named: true },
    { crowd: 'inactive', is_active: 0, password: 'x', named: false },
    { crowd: 'without a usable password', is_active: 1, password: '!', named: false },
  ])(
    'sends a link to the owner among 10,000 $crowd accounts with the address',
    async ({ is_active, password, named }) => {
      const email = `${newName()}@example.com`;
      await crowd(email, { is_active, password });
      const { username } = await registerWithEmail(email);
      const { bindings, mails } = withMailbox();
      await ask(email, bindings);
      expect(mails).toHaveLength(1);
      if (named) {
        expect(mails[0]?.text).toContain(
          'More accounts have this address. To get the link of one, send the request with its username.',
        );
        await post('/users/reset_password', { email, username }, bindings);
      }
      const mail = mails.at(-1);
      expect(mail?.text).toContain(`Your username, in case you’ve forgotten: ${username}\n`);
      expect((await confirm(linkIn(mail), bindings)).status).toBe(204);
      expect((await login(username, NEW_PASSWORD)).status).toBe(200);
    },
  );

  it.each([
    { who: 'inactive', column: 'is_active', value: 0 },
    { who: 'without a usable password', column: 'password', value: '!unusable' },
  ])('sends no message to a user who is $who', async ({ column, value }) => {
    const email = `${newName()}@example.com`;
    const { username } = await registerWithEmail(email);
    await change(username, column, value);
    const { bindings, mails } = withMailbox();
    expect((await ask(email, bindings)).status).toBe(204);
    expect(mails).toEqual([]);
  });

  it.each(['_', '%', '_____'])('does not treat %j as a wildcard', async (wildcard) => {
    await registerWithEmail('aaaaa@wild.example');
    const { bindings, mails } = withMailbox();
    await ask(`${wildcard}@wild.example`, bindings);
    expect(mails).toEqual([]);
  });

  it('sends no message to an address that only looks the same (CVE-2019-19844)', async () => {
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
  ])('requires an email address and refuses %j', async (body, email) => {
    const { bindings, mails } = withMailbox();
    const response = await post('/users/reset_password', body, bindings);
    expect(await answer(response)).toEqual({ status: 400, body: { email } });
    expect(mails).toEqual([]);
  });
});

describe('the link in the message', () => {
  it.each([
    'http://localhost:8000',
    'http://localhost:8137',
    'http://127.0.0.1:9000',
    'http://[::1]:8000',
    'https://localhost:8443',
  ])('leads to the page at the origin of a local request: %s', async (origin) => {
    const email = `${newName()}@example.com`;
    await registerWithEmail(email);
    const { bindings, mails } = withMailbox();
    expect((await askAt(origin, { email }, bindings)).status).toBe(204);
    expect(mails[0]?.text).toContain(`\n${origin}/account#reset/`);
    expect(mails[0]?.subject).toBe(`Password reset on ${new URL(origin).host}`);
  });

  it('leads below the path that the app is mounted at', async () => {
    const email = `${newName()}@example.com`;
    await registerWithEmail(email);
    const { bindings, mails } = withMailbox();
    const host = new Hono<{ Bindings: Bindings }>().route('/api/auth', createApp());
    const ctx = createExecutionContext();
    const url = 'http://localhost:8137/api/auth/users/reset_password';
    const response = await host.fetch(new Request(url, postOf({ email })), bindings, ctx);
    await waitOnExecutionContext(ctx);
    expect(response.status).toBe(204);
    expect(mails[0]?.text).toContain('\nhttp://localhost:8137/api/auth/account#reset/');
  });

  it.each([
    ['Host', 'evil.example'],
    ['X-Forwarded-Host', 'evil.example'],
    ['Forwarded', 'host=evil.example'],
    ['X-Forwarded-Proto', 'https'],
    ['Origin', 'https://evil.example'],
    ['Referer', 'https://evil.example/'],
  ])('does not take its origin from %s', async (header, value) => {
    const email = `${newName()}@example.com`;
    await registerWithEmail(email);
    const { bindings, mails } = withMailbox();
    const headers = { [header]: value };
    expect((await askAt('http://localhost:8000', { email }, bindings, headers)).status).toBe(204);
    expect(mails[0]?.text).toContain('http://localhost:8000/account#reset/');
    expect(JSON.stringify(mails)).not.toContain('evil');
  });

  it.each([
    'https://evil.example',
    'http://evil.example',
    'https://localhost.evil.example',
    'https://127.0.0.1.evil.example',
  ])('is not sent if the setting is missing and the request came to %s', async (origin) => {
    const email = `${newName()}@example.com`;
    await registerWithEmail(email);
    const { bindings: watched, roundTrips } = watchD1();
    const { bindings, mails } = withMailbox({ DB: watched.DB });
    for (const body of [{ email }, { email: 'nobody@example.com' }, {}]) {
      expect(await answer(await askAt(origin, body, bindings))).toEqual(UNAVAILABLE);
    }
    expect(mails).toEqual([]);
    expect(roundTrips).toHaveLength(0);
    expect(events().at(-1)).toMatchObject({
      event: 'mail-unavailable',
      message:
        'PASSWORD_RESET_CONFIRM_URL is not set. Set this variable of the Worker: "https://<your address>/account#reset/{uid}/{token}"',
    });
  });

  it.each(['http://localhost:8000', 'https://127.0.0.1', 'http://[::1]:3000'])(
    'never leads to %s if the request came by https to another host',
    async (local) => {
      const { bindings, mails } = withMailbox({
        PASSWORD_RESET_CONFIRM_URL: `${local}/reset/{uid}/{token}`,
      });
      const email = `${newName()}@example.com`;
      await registerWithEmail(email);
      const body = { email };
      expect(await answer(await askAt('https://example.com', body, bindings))).toEqual(UNAVAILABLE);
      expect(mails).toEqual([]);
      expect(events().at(-1)).toMatchObject({
        event: 'mail-unavailable',
        message: expect.stringMatching(
          /^PASSWORD_RESET_CONFIRM_URL is a loopback address\. Set this variable /,
        ),
      });
      // A phone that uses a development server has no https.
      expect((await askAt('http://192.0.2.1:8000', body, bindings)).status).toBe(204);
      expect(mails[0]?.text).toContain(`\n${local}/reset/`);
    },
  );

  it('from Django is accepted at any origin', async () => {
    const { username } = await registerWithEmail(`${newName()}@example.com`);
    const { bindings } = withMailbox({ ACCOUNT_EMAIL_NOTIFICATIONS: 'false' });
    const body = { ...(await linkFor(username)), new_password: NEW_PASSWORD };
    const init = postOf(body);
    const path = '/users/reset_password_confirm';
    expect((await send(path, init, bindings, 'https://example.com')).status).toBe(204);
  });

  it('leads to PASSWORD_RESET_CONFIRM_URL', async () => {
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

describe('POST /users/reset_password_confirm', () => {
  const valid = { uid: 'MQ', token: 'x', new_password: NEW_PASSWORD };

  it.each([
    ['uid', undefined, 'This field is required.'],
    ['uid', '', 'This field may not be blank.'],
    ['token', null, 'This field may not be null.'],
    ['token', {}, 'Not a valid string.'],
    ['new_password', undefined, 'This field is required.'],
    ['new_password', '', 'This field may not be blank.'],
    ['new_password', 'a\0b', 'Null characters are not allowed.'],
  ])('requires %s and refuses %j', async (field, value, sentence) => {
    const response = await confirm({ ...valid, [field]: value });
    expect(await answer(response)).toEqual({ status: 400, body: { [field]: [sentence] } });
  });

  it.each(['MQMQMQ', 'bWVn', '!', 'LTE', 'OTk5OTk5OTk'])(
    'refuses the uid %j, which matches no user',
    async (uid) => {
      const response = await confirm({ ...valid, uid });
      expect(await answer(response)).toEqual({
        status: 400,
        body: { uid: ["Invalid user id or user doesn't exist."] },
      });
    },
  );

  it('refuses the link of a deactivated user and changes nothing', async () => {
    const { username } = await registerWithEmail(`${newName()}@example.com`);
    const link = await linkFor(username);
    await change(username, 'is_active', 0);
    const row = () =>
      env.DB.prepare(
        'SELECT u.*, key FROM auth_user u LEFT JOIN authtoken_token ON user_id = id WHERE username = ?',
      )
        .bind(username)
        .first();
    const before = await row();
    expect(await answer(await confirm(link))).toEqual({
      status: 400,
      body: { token: ['Invalid token for given user.'] },
    });
    expect(await row()).toEqual(before);
    expect(events().at(-1)).toMatchObject({ event: 'link-refused', reason: 'inactive-user' });
    await change(username, 'is_active', 1);
    expect((await login(username, PASSWORD)).status).toBe(200);
  });

  it('refuses a link if a digit was moved from the address to the timestamp', async () => {
    const name = newName();
    const { username } = await registerWithEmail(`5${name}@example.com`);
    const { uid, token } = await linkFor(username);
    await change(username, 'email', `${name}@example.com`);
    const [timestamp = '', digest] = token.split('-');
    const moved = (Number.parseInt(timestamp, 36) * 10 + 5).toString(36);
    const response = await confirm({ uid, token: `${moved}-${digest}` });
    expect(await answer(response)).toEqual({
      status: 400,
      body: { token: ['Invalid token for given user.'] },
    });
    expect((await login(username, PASSWORD)).status).toBe(200);
  });

  it('accepts a link until PASSWORD_RESET_TIMEOUT', async () => {
    const { username } = await registerWithEmail(`${newName()}@example.com`);
    const { bindings } = withMailbox({ PASSWORD_RESET_TIMEOUT: '86400' });
    const old = await linkFor(username, { now: new Date(Date.now() - DAY_MS - 2000) });
    expect(await answer(await confirm(old, bindings))).toEqual({
      status: 400,
      body: { token: ['Invalid token for given user.'] },
    });
    const fresh = await linkFor(username, { now: new Date(Date.now() - DAY_MS + 60_000) });
    expect((await confirm(fresh, bindings)).status).toBe(204);
  });

  it('accepts a link signed with one of SECRET_KEY_FALLBACKS', async () => {
    const { username } = await registerWithEmail(`${newName()}@example.com`);
    const link = await linkFor(username, { secretKey: 'an older key' });
    expect((await confirm(link)).status).toBe(400);
    const { bindings } = withMailbox({ SECRET_KEY_FALLBACKS: 'the oldest key, an older key' });
    expect((await confirm(link, bindings)).status).toBe(204);
  });

  it('refuses a link after a change of address or password, or of another user', async () => {
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

  it('accepts one of two simultaneous requests with the same link', async () => {
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

  it('changes nothing if the password changes during the request, and keeps the token', async () => {
    const { username, token } = await registerWithEmail(`${newName()}@example.com`);
    const link = await linkFor(username);
    const password = await makePassword('of a faster request', 1000);
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
    expect((await login(username, 'of a faster request')).status).toBe(200);
  });

  it('validates the password; checks that need no user come before the link is checked', async () => {
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

describe('without the settings for e-mail', () => {
  const routes = ['/users/reset_password', '/users/reset_password_confirm'];

  it.each(routes)('%s responds 404 if e-mail is not configured', async (path) => {
    for (const without of [{ EMAIL: undefined }, { DEFAULT_FROM_EMAIL: undefined }]) {
      const { bindings } = withMailbox(without);
      const response = await post(path, {}, bindings);
      expect(await answer(response)).toEqual({ status: 404, body: { detail: 'Not found.' } });
      expect((await send(path, {}, bindings)).status).toBe(404);
    }
    const { bindings } = withMailbox();
    expect((await send(path, {}, bindings)).status).toBe(401);
    const wrongMethod = await getAs(await register(newName()), path, bindings);
    expect(await answer(wrongMethod)).toEqual({
      status: 405,
      body: { detail: 'Method "GET" not allowed.' },
    });
    expect(wrongMethod.headers.get('Allow')).toBe('POST, OPTIONS');
  });

  it.each(routes)('%s logs that SECRET_KEY is missing and responds 503', async (path) => {
    const { bindings } = withMailbox({ SECRET_KEY: undefined });
    const response = await post(path, { email: 'a@example.com' }, bindings);
    expect(await answer(response)).toEqual({
      status: 503,
      body: { detail: 'Service temporarily unavailable, try again later.' },
    });
    expect(events()).toEqual([
      expect.objectContaining({
        event: 'mail-unavailable',
        message: 'SECRET_KEY is not set. Set it: npx wrangler secret put SECRET_KEY',
      }),
    ]);
  });
});

describe('another mail service', () => {
  it('sends the messages instead of the binding', async () => {
    const email = `${newName()}@example.com`;
    await registerWithEmail(email);
    const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response());
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
    const [[url, init] = []] = fetched.mock.calls;
    expect(url).toBe('https://mail.example/send');
    expect(JSON.parse(String(init?.body))).toMatchObject({
      from: 'Us <us@example.com>',
      to: email,
      subject: 'Password reset on localhost',
    });
  });
});

describe('the work after a response', () => {
  it.each(['/users/reset_password', '/users/resend_activation'])(
    'of %s starts after the response, so that the response time reveals nothing',
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

  it.each([
    { account: 'an account', isKnown: true },
    { account: 'no account', isKnown: false },
  ])('ends at a random moment if $account has the address', async ({ isKnown }) => {
    const email = `${newName()}@example.com`;
    if (isKnown) await registerWithEmail(email);
    const { promise: lookedUp, resolve } = Promise.withResolvers<void>();
    const DB = interceptD1(env.DB, { around: ({ run }) => run().finally(resolve) });
    const { bindings, mails } = withMailbox({ DB });
    vi.mocked(Math.random).mockReturnValue(0.5);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const ctx = createExecutionContext();
    const url = 'http://localhost:8000/users/reset_password';
    const response = await app.fetch(new Request(url, postOf({ email })), bindings, ctx);
    expect(response.status).toBe(204);
    const ended = () => ({
      mails: mails.length,
      events: events()
        .map(({ event }) => event)
        .filter((event) => event.startsWith('mail-')),
    });

    await vi.advanceTimersByTimeAsync(0);
    await lookedUp;
    for (let i = 0; i < 3; i++) expect((await getAs('unknown')).status).toBe(401);
    await vi.advanceTimersByTimeAsync(499);
    expect(ended()).toEqual({ mails: 0, events: [] });
    await vi.advanceTimersByTimeAsync(1);
    await waitOnExecutionContext(ctx);
    expect(ended()).toEqual(
      isKnown ? { mails: 1, events: ['mail-sent'] } : { mails: 0, events: ['mail-not-sent'] },
    );
  });

  it.each([{}, { username: 'meg' }])('looks up %j by an index', async (named) => {
    const { bindings: watched, roundTrips } = watchD1();
    const { bindings } = withMailbox({ DB: watched.DB, EMAIL_VERIFICATION: 'required' });
    for (const path of ['/users/reset_password', '/users/resend_activation']) {
      await post(path, { email: 'meg@example.com', ...named }, bindings);
    }
    expect(roundTrips).toHaveLength(2);
    for (const { sql } of roundTrips) {
      // The query plan does not depend on the values.
      const values = Array.from(sql.join().matchAll(/\?/g), () => 'x');
      const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...values)
        .all<{ detail: string }>();
      const plan = results.map(({ detail }) => detail).join('\n');
      const index = 'username' in named ? 'sqlite_autoindex_auth_user_1' : 'auth_user_email_nocase';
      expect(plan).toContain(`USING INDEX ${index}`);
      expect(plan).not.toMatch(/SCAN|TEMP B-TREE/);
    }
  });
});
