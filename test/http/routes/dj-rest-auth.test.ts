/** The routes of dj-rest-auth, beyond the recorded cases (dj-rest-auth-conformance.test.ts). */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import type { Bindings } from '../../../src/services/bindings.ts';
import {
  answer,
  getAs,
  newName,
  post,
  rateLimits,
  register,
  sendAs,
  unthrottled,
} from '../../helpers/client.ts';
import { linkFor, linkIn, withMailbox } from '../../helpers/mailbox.ts';
import { untilRoomInMinute } from '../../helpers/until-room-in-minute.ts';

const BASE = '/dj-rest-auth';
const REFUSED = {
  status: 400,
  body: { non_field_errors: ['Unable to log in with provided credentials.'] },
};
const OK = { status: 200, body: { detail: 'ok' } };
const NOT_FOUND = { status: 404, body: { detail: 'Not found.' } };

let log: MockInstance;
beforeEach(() => {
  log = vi.spyOn(console, 'log').mockReturnValue();
});

const events = () => log.mock.calls.map(([line]) => JSON.parse(String(line)));

const set = (username: string, column: string, value: string | number | null) =>
  env.DB.prepare(`UPDATE auth_user SET ${column} = ? WHERE username = ?`)
    .bind(value, username)
    .run();

const rowOf = (username: string) =>
  env.DB.prepare(
    `SELECT id, password, is_active, email, (SELECT key FROM authtoken_token WHERE user_id = id) AS key
       FROM auth_user WHERE username = ?`,
  )
    .bind(username)
    .first<{
      id: number;
      password: string;
      is_active: number;
      email: string;
      key: string | null;
    }>();

/** Registers a user with an address, which other users may have too. */
async function registerAt(email: string, password: string, username = newName()) {
  const token = await register(username, password);
  await set(username, 'email', email);
  return { username, token, email };
}

const newAddress = () => `${newName()}@example.com`;

describe('POST /dj-rest-auth/login/', () => {
  const logIn = async (body: object, bindings?: Bindings) =>
    answer(await post(`${BASE}/login/`, body, bindings));
  const keyOf = (key: string) => ({ status: 200, body: { key } });

  it('responds with a token that must not be cached', async () => {
    const { username, token } = await registerAt(newAddress(), 'pw');
    const response = await post(`${BASE}/login/`, { username, password: 'pw' });
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(await response.json()).toEqual({ key: token });
  });

  it('does not take a blank address for one', async () => {
    await registerAt('', 'pw');
    expect(await logIn({ email: '', password: 'pw' })).toEqual(REFUSED);
    expect(await logIn({ email: ' ', username: '', password: 'pw' })).toEqual(REFUSED);
  });

  it('hashes nothing if there is neither a username nor an address', async () => {
    const deriveBits = vi.spyOn(crypto.subtle, 'deriveBits');
    expect(await logIn({ password: 'pw' })).toEqual(REFUSED);
    expect(deriveBits).not.toHaveBeenCalled();
  });

  it('takes an address for the user who registered first, if several have it', async () => {
    const first = await registerAt(newAddress(), 'of the first');
    const second = await registerAt(first.email.toUpperCase(), 'of the second');
    const { email } = first;
    expect(await logIn({ email, password: 'of the first' })).toEqual(keyOf(first.token));
    expect(await logIn({ email, password: 'of the second' })).toEqual(REFUSED);
    const named = { email, username: second.username, password: 'of the second' };
    expect(await logIn(named)).toEqual(keyOf(second.token));
  });

  it('prefers the active user of an address', async () => {
    const squatter = await registerAt(newAddress(), 'of the squatter');
    await set(squatter.username, 'is_active', 0);
    const { email, token } = await registerAt(squatter.email, 'pw');
    expect(await logIn({ email, password: 'pw' })).toEqual(keyOf(token));
  });

  it('reads at most ten users of an address', async () => {
    const email = newAddress();
    for (let i = 0; i < 10; i++)
      await set((await registerAt(email, 'pw')).username, 'is_active', 0);
    await registerAt(email, 'of the eleventh');
    expect(await logIn({ email, password: 'of the eleventh' })).toEqual(REFUSED);
  });

  it('logs the user of an address, and no address', async () => {
    const { username, email } = await registerAt(newAddress(), 'pw');
    const user_id = (await rowOf(username))?.id;
    log.mockClear();
    await logIn({ email, password: 'wrong' });
    await logIn({ email: newAddress(), password: 'wrong' });
    expect(events()).toMatchObject([
      { event: 'login-failed', reason: 'wrong-password', user_id },
      { event: 'login-failed', reason: 'unknown-user' },
    ]);
    expect(log.mock.calls.join()).not.toContain('@');
  });

  it('hashes as much for an unknown address as for a known one', async () => {
    await env.DB.exec('DELETE FROM authtoken_token; DELETE FROM auth_user');
    const { username, email } = await registerAt(newAddress(), 'pw');
    await set(username, 'password', `pbkdf2_sha256$2500$expensive$${'A'.repeat(43)}=`);
    const derivations = async (address: string) => {
      const deriveBits = vi.spyOn(crypto.subtle, 'deriveBits');
      expect(await logIn({ email: address, password: 'wrong' })).toEqual(REFUSED);
      const calls = deriveBits.mock.calls.map(([parameters]) => parameters);
      deriveBits.mockRestore();
      return calls;
    };
    const known = await derivations(email);
    expect(known).toMatchObject([{ iterations: 2500 }]);
    expect(await derivations(newAddress())).toEqual(known);
  });

  describe('with a count of failed logins', () => {
    const counting: Bindings = { ...unthrottled, RATE_LIMIT_COUNTER: env.RATE_LIMIT_COUNTER };

    it('counts failures by username and by address together', async () => {
      const { username, email } = await registerAt(newAddress(), 'pw');
      for (let i = 0; i < 5; i++) {
        expect(await logIn({ username, password: 'no' }, counting)).toEqual(REFUSED);
        expect(await logIn({ email, password: 'no' }, counting)).toEqual(REFUSED);
      }
      expect(await logIn({ email, password: 'pw' }, counting)).toMatchObject({ status: 429 });
      const other = await post('/login', { username, password: 'pw' }, counting);
      expect(other.status).toBe(429);
    });

    it('counts failures for an unknown address, in any spelling', async () => {
      const email = newAddress();
      for (let i = 0; i < 10; i++) {
        expect(await logIn({ email, password: 'no' }, counting)).toEqual(REFUSED);
      }
      const throttled = await logIn({ email: email.toUpperCase(), password: 'no' }, counting);
      expect(throttled.status).toBe(429);
    });
  });

  it.each([
    { what: 'an address, whatever the username', body: (i: number) => ({ username: `${i}` }) },
    { what: 'a username, whatever the address', body: (i: number) => ({ email: `${i}@a.bc` }) },
  ])('limits the attempts at $what', async ({ body }) => {
    await untilRoomInMinute();
    const own = { username: newName(), email: newAddress() };
    const { LOGIN_LIMIT } = rateLimits;
    const bindings = { ...unthrottled, LOGIN_LIMIT };
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) {
      statuses.push((await logIn({ ...own, ...body(i), password: 'no' }, bindings)).status);
    }
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
  });
});

describe('PUT and PATCH /dj-rest-auth/user/', () => {
  const update = (method: string, token: string, body: object, bindings?: Bindings) =>
    sendAs(token, method, `${BASE}/user/`, body, bindings);

  it.each(['PUT', 'PATCH'])('%s stores the normal form of a username', async (method) => {
    const token = await register(newName(), 'pw');
    const username = newName();
    const fullwidth = username.replace('u', '\uFF55');
    const updated = await update(method, token, { username: ` ${fullwidth}` });
    expect(updated.headers.get('Cache-Control')).toBe('no-store');
    expect(await answer(updated)).toMatchObject({ status: 200, body: { username } });
    expect(events()).toMatchObject([
      { event: 'registered' },
      { event: 'username-changed', user_id: (await rowOf(username))?.id },
    ]);
    expect((await post('/login', { username, password: 'pw' })).status).toBe(200);
  });

  it('lets one of two simultaneous requests have a username', async () => {
    const tokens = [await register(newName()), await register(newName())];
    const username = newName();
    const responses = await Promise.all(
      tokens.map(async (token) => answer(await update('PATCH', token, { username }))),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(responses.find(({ status }) => status === 400)?.body).toEqual({
      username: ['A user with that username already exists.'],
    });
  });

  it('logs no change if the username stays', async () => {
    const username = newName();
    const token = await register(username);
    await update('PUT', token, { username, first_name: 'Ann' });
    expect(events().map(({ event }) => event)).toEqual(['registered']);
  });

  it('changes no address, even without e-mail', async () => {
    const { username, token, email } = await registerAt(newAddress(), 'pw');
    await update('PATCH', token, { email: newAddress() });
    expect((await rowOf(username))?.email).toBe(email);
  });

  it('takes effect at once with TOKEN_CACHE_SECONDS', async () => {
    const bindings: Bindings = { ...unthrottled, TOKEN_CACHE_SECONDS: '5' };
    const token = await register(newName());
    await getAs(token, '/me', bindings);
    const username = newName();
    await update('PATCH', token, { username }, bindings);
    expect(await (await getAs(token, '/me', bindings)).json()).toMatchObject({ username });
  });
});

describe('POST /dj-rest-auth/password/change/', () => {
  const change = (token: string, body: object, bindings?: Bindings) =>
    sendAs(token, 'POST', `${BASE}/password/change/`, body, bindings);
  const NEW = { new_password1: 'a better one', new_password2: 'a better one' };

  it('requires the old password by default', async () => {
    const token = await register(newName(), 'pw');
    expect(await answer(await change(token, NEW))).toEqual({
      status: 400,
      body: { old_password: ['This field is required.'] },
    });
    expect((await change(token, { ...NEW, old_password: 'pw' })).status).toBe(200);
  });

  it('counts wrong old passwords by token, together with those of /password', async () => {
    const counting: Bindings = { ...unthrottled, RATE_LIMIT_COUNTER: env.RATE_LIMIT_COUNTER };
    const token = await register(newName(), 'pw');
    const wrong = { current_password: 'no', new_password: 'a better one' };
    for (let i = 0; i < 5; i++) {
      expect((await change(token, { ...NEW, old_password: 'no' }, counting)).status).toBe(400);
      expect((await sendAs(token, 'POST', '/password', wrong, counting)).status).toBe(400);
    }
    const refused = await change(token, { ...NEW, old_password: 'pw' }, counting);
    expect(refused.status).toBe(429);
  });

  it.each(['true', 'false'])(
    'counts as a login of the user with OLD_PASSWORD_FIELD_ENABLED = "%s"',
    async (OLD_PASSWORD_FIELD_ENABLED) => {
      await untilRoomInMinute();
      const { LOGIN_LIMIT } = rateLimits;
      const bindings: Bindings = { ...unthrottled, LOGIN_LIMIT, OLD_PASSWORD_FIELD_ENABLED };
      const token = await register(newName(), 'pw');
      const body = { ...NEW, new_password2: 'another', old_password: 'pw' };
      for (let i = 0; i < 10; i++) expect((await change(token, body, bindings)).status).toBe(400);
      expect((await change(token, body, bindings)).status).toBe(429);
    },
  );

  it('revokes the token with LOGOUT_ON_PASSWORD_CHANGE', async () => {
    const bindings: Bindings = { ...unthrottled, LOGOUT_ON_PASSWORD_CHANGE: 'true' };
    const token = await register(newName(), 'pw');
    expect((await change(token, { ...NEW, old_password: 'pw' }, bindings)).status).toBe(200);
    expect((await getAs(token)).status).toBe(401);
  });

  it('sends a notice to the owner', async () => {
    const { bindings, mails } = withMailbox({ OLD_PASSWORD_FIELD_ENABLED: 'false' });
    const { token, email } = await registerAt(newAddress(), 'pw');
    expect((await change(token, NEW, bindings)).status).toBe(200);
    expect(mails.map(({ to, subject }) => ({ to, subject }))).toEqual([
      { to: email, subject: 'localhost:8000 - Your password has been successfully changed!' },
    ]);
  });

  it('responds 401 if the user is deleted during the request', async () => {
    const bindings: Bindings = { ...unthrottled, OLD_PASSWORD_FIELD_ENABLED: 'false' };
    const username = newName();
    const token = await register(username, 'pw');
    const limit = async () => {
      await env.DB.batch([
        env.DB.prepare('DELETE FROM authtoken_token WHERE key = ?').bind(token),
        env.DB.prepare('DELETE FROM auth_user WHERE username = ?').bind(username),
      ]);
      return { success: true };
    };
    const deleting = { ...bindings, LOGIN_LIMIT: { limit } };
    expect(await answer(await change(token, NEW, deleting))).toEqual({
      status: 401,
      body: { detail: 'User inactive or deleted.' },
    });
  });
});

describe('a password reset of dj-rest-auth', () => {
  const NEW = { new_password1: 'a better one', new_password2: 'a better one' };
  const confirm = async (link: object, bindings: Bindings) =>
    answer(await post(`${BASE}/password/reset/confirm/`, { ...link, ...NEW }, bindings));
  const RESET = { status: 200, body: { detail: 'Password has been reset with the new password.' } };

  it('is not there without e-mail', async () => {
    const sent = await post(`${BASE}/password/reset/`, { email: newAddress() });
    expect(await answer(sent)).toEqual(NOT_FOUND);
    expect(await confirm({ uid: 'MQ', token: 'x' }, unthrottled)).toEqual(NOT_FOUND);
  });

  it.each(['true', 'false'])(
    'accepts a link in Django’s form with DJ_REST_AUTH_REGISTRATION = "%s"',
    async (DJ_REST_AUTH_REGISTRATION) => {
      const { bindings } = withMailbox({ DJ_REST_AUTH_REGISTRATION });
      const { username } = await registerAt(newAddress(), 'pw');
      expect(await confirm(await linkFor(username), bindings)).toEqual(RESET);
      expect((await post('/login', { username, password: 'a better one' })).status).toBe(200);
    },
  );

  it('revokes the token with LOGOUT_ON_PASSWORD_CHANGE', async () => {
    const { bindings } = withMailbox({ LOGOUT_ON_PASSWORD_CHANGE: 'true' });
    const { username, token } = await registerAt(newAddress(), 'pw');
    expect(await confirm(await linkFor(username), bindings)).toEqual(RESET);
    expect((await getAs(token)).status).toBe(401);
  });

  it('limits the attempts at the links of a user, in both forms of the uid', async () => {
    await untilRoomInMinute();
    const { bindings } = withMailbox({ MAIL_LIMIT: rateLimits.MAIL_LIMIT });
    const id = 1e9 + Number(newName().slice('user'.length));
    const uids = [btoa(String(id)).replace(/=+$/, ''), id.toString(36)];
    const statuses: number[] = [];
    for (let i = 0; i < 8; i++) {
      statuses.push((await confirm({ uid: uids[i % 2], token: 'x' }, bindings)).status);
    }
    expect(statuses).toEqual([400, 400, 400, 400, 400, 429, 429, 429]);
  });

  it('is refused for an inactive user, with the words for an invalid token', async () => {
    const { bindings } = withMailbox();
    const { username } = await registerAt(newAddress(), 'pw');
    const link = await linkFor(username);
    await set(username, 'is_active', 0);
    expect(await confirm(link, bindings)).toEqual({
      status: 400,
      body: { token: ['Invalid value'] },
    });
  });

  it('sends nothing to an unknown address, with the same response', async () => {
    const { bindings, mails } = withMailbox();
    const { email } = await registerAt(newAddress(), 'pw');
    const ask = async (address: string) => {
      const response = await post(`${BASE}/password/reset/`, { email: address }, bindings);
      return { headers: [...response.headers], text: await response.text() };
    };
    const known = await ask(email);
    expect(await ask(newAddress())).toEqual(known);
    expect(mails.map(({ to }) => to)).toEqual([email]);
  });
});

describe('the registration of dj-rest-auth', () => {
  const enrol = (username: string, email: string, bindings?: Bindings) => {
    const passwords = { password1: 'correct horse', password2: 'correct horse' };
    return post(`${BASE}/registration/`, { username, email, ...passwords }, bindings);
  };
  const verifying = () => withMailbox({ EMAIL_VERIFICATION: 'required' });
  const verify = async (key: string, bindings: Bindings) =>
    answer(await post(`${BASE}/registration/verify-email/`, { key }, bindings));

  it('does not reveal whether an address is registered', async () => {
    const { email } = await registerAt(newAddress(), 'pw');
    expect((await enrol(newName(), email)).status).toBe(201);
  });

  it('reports a refused password under password1', async () => {
    const bindings = { ...unthrottled, AUTH_PASSWORD_VALIDATORS: 'NumericPassword' };
    const passwords = { password1: '1234567', password2: '1234567' };
    const body = { username: newName(), ...passwords };
    expect(await answer(await post(`${BASE}/registration/`, body, bindings))).toEqual({
      status: 400,
      body: { password1: ['This password is entirely numeric.'] },
    });
  });

  it('with EMAIL_VERIFICATION sends a link, whose parts are the key', async () => {
    const { bindings, mails } = verifying();
    const username = newName();
    expect(await answer(await enrol(username, newAddress(), bindings))).toEqual({
      status: 201,
      body: { detail: 'Verification e-mail sent.' },
    });
    expect(await rowOf(username)).toMatchObject({ is_active: 0, key: null });
    const { uid, token } = linkIn(mails[0]);
    const key = `${uid}-${token}`;
    expect(await verify(`${key}0`, bindings)).toEqual(NOT_FOUND);
    expect(await verify(token, bindings)).toEqual(NOT_FOUND);
    expect(await verify(key, bindings)).toEqual(OK);
    expect(await rowOf(username)).toMatchObject({ is_active: 1 });
    expect(await verify(key, bindings)).toEqual(NOT_FOUND);
    const credentials = { username, password: 'correct horse' };
    expect((await post(`${BASE}/login/`, credentials, bindings)).status).toBe(200);
  });

  it('with EMAIL_VERIFICATION requires an address', async () => {
    const { bindings } = verifying();
    const passwords = { password1: 'correct horse', password2: 'correct horse' };
    const body = { username: newName(), ...passwords };
    expect(await answer(await post(`${BASE}/registration/`, body, bindings))).toEqual({
      status: 400,
      body: { email: ['This field is required.'] },
    });
  });

  it('sends a new link only to a user who waits for activation, with the same response for all', async () => {
    const { bindings, mails } = verifying();
    const email = newAddress();
    await enrol(newName(), email, bindings);
    const active = await registerAt(newAddress(), 'pw');
    for (const address of [email, active.email, newAddress()]) {
      const resent = await post(`${BASE}/registration/resend-email/`, { email: address }, bindings);
      expect(await answer(resent)).toEqual(OK);
    }
    expect(mails.map(({ to }) => to)).toEqual([email, email]);
  });

  it('does not activate a user who was deactivated', async () => {
    const { bindings } = verifying();
    const { username } = await registerAt(newAddress(), 'pw');
    const { uid, token } = await linkFor(username, { purpose: 'activation' });
    await set(username, 'is_active', 0);
    expect(await verify(`${uid}-${token}`, bindings)).toEqual(NOT_FOUND);
    expect(await rowOf(username)).toMatchObject({ is_active: 0 });
  });
});

describe('POST /dj-rest-auth/logout/', () => {
  it('revokes the token', async () => {
    const token = await register(newName());
    const response = await sendAs(token, 'POST', `${BASE}/logout/`);
    expect(response.status).toBe(200);
    expect((await getAs(token)).status).toBe(401);
    expect(events()).toMatchObject([{ event: 'registered' }, { event: 'logged-out' }]);
  });
});
