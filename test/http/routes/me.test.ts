import { env } from 'cloudflare:workers';
import { describe, expect, it, onTestFinished } from 'vitest';
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
import { watchD1 } from '../../helpers/intercept-d1.ts';
import { withMailbox } from '../../helpers/mailbox.ts';

const patch = (token: string, body: unknown, bindings?: Bindings) =>
  sendAs(token, 'PATCH', '/me', body, bindings);
const remove = (token: string, body: unknown) => sendAs(token, 'DELETE', '/me', body);

const count = async (username: string) => {
  const row = await env.DB.prepare(
    `SELECT (SELECT count(*) FROM auth_user WHERE username = ?1) AS users,
            (SELECT count(*) FROM authtoken_token t JOIN auth_user u ON u.id = t.user_id
              WHERE u.username = ?1) AS tokens`,
  )
    .bind(username)
    .first();
  return row;
};

describe('GET /me', () => {
  it('responds with personal data as not cacheable, also to PATCH', async () => {
    const token = await register(newName());
    for (const response of [await getAs(token), await patch(token, { first_name: 'Ada' })]) {
      expect(response.status).toBe(200);
      expect(response.headers.get('Cache-Control')).toBe('no-store');
    }
  });
});

describe('a change of the email address', () => {
  const emailOf = async (token: string) =>
    (await (await getAs(token)).json<{ email: string }>()).email;

  /** Registers a user with an email address. */
  async function arrange() {
    const username = newName();
    const token = await register(username, 'pw');
    const [old, next] = [`${username}@old.example`, `${username}@new.example`];
    await patch(token, { email: old });
    return { username, token, old, next, ...withMailbox() };
  }

  it.each([
    { password: {}, sentence: 'This field is required.' },
    { password: { current_password: '' }, sentence: 'This field may not be blank.' },
    { password: { current_password: null }, sentence: 'This field may not be null.' },
    { password: { current_password: 'no' }, sentence: 'Invalid password.' },
  ])(
    'requires the current password if e-mail is configured, and refuses $password',
    async ({ password, sentence }) => {
      const { token, old, next, bindings, mails } = await arrange();
      const body = { email: next, first_name: 'Ada', ...password };
      expect(await answer(await patch(token, body, bindings))).toEqual({
        status: 400,
        body: { current_password: [sentence] },
      });
      expect(await answer(await getAs(token))).toMatchObject({
        body: { email: old, first_name: '' },
      });
      expect(mails).toEqual([]);
    },
  );

  it('is saved with the current password, together with the names', async () => {
    const { token, next, old, bindings, mails } = await arrange();
    const body = { email: next, first_name: 'Ada', current_password: 'pw' };
    expect(await answer(await patch(token, body, bindings))).toMatchObject({
      status: 200,
      body: { email: next, first_name: 'Ada' },
    });
    expect(await emailOf(token)).toBe(next);
    expect(mails.map(({ to }) => to)).toEqual([old]);
  });

  it('requires the password for a change of case before the @ and for an empty address', async () => {
    const { token, old, bindings } = await arrange();
    for (const email of [old.toUpperCase(), '']) {
      const response = await patch(token, { email }, bindings);
      expect(await answer(response)).toEqual({
        status: 400,
        body: { current_password: ['This field is required.'] },
      });
    }
  });

  it('requires no password and no hashing if the address stays the same', async () => {
    const { token, old, bindings: mailing } = await arrange();
    const { bindings: watched, roundTrips } = watchD1();
    const bindings = { ...mailing, DB: watched.DB };
    for (const email of [old, old.replace('old.example', 'OLD.Example')]) {
      const response = await patch(token, { email, last_name: 'L' }, bindings);
      expect(await answer(response)).toMatchObject({ status: 200, body: { email: old } });
    }
    const wrong = { first_name: 'Ada', current_password: 'not checked' };
    expect((await patch(token, wrong, bindings)).status).toBe(200);
    expect(roundTrips.flatMap(({ sql }) => sql)).not.toContainEqual(
      expect.stringMatching(/^select "password"/),
    );
  });

  it('requires no password if e-mail is not configured', async () => {
    const { token, next } = await arrange();
    expect((await patch(token, { email: next })).status).toBe(200);
    for (const without of [{ EMAIL: undefined }, { DEFAULT_FROM_EMAIL: undefined }]) {
      const { bindings } = withMailbox(without);
      const response = await patch(token, { email: `x${next}` }, bindings);
      expect(response.status).toBe(200);
    }
  });

  it('is never saved without the password, even if the cached user is outdated', async () => {
    const { token, old, next, bindings } = await arrange();
    const remembering = { ...bindings, TOKEN_CACHE_SECONDS: '60' };
    expect((await getAs(token, '/me', remembering)).status).toBe(200);
    // The cache does not see this change.
    await patch(token, { email: next, current_password: 'pw' }, bindings);
    const response = await patch(token, { email: old }, remembering);
    expect(await answer(response)).toMatchObject({ status: 200, body: { email: next } });
    expect(await emailOf(token)).toBe(next);
  });
});

describe('PATCH /me', () => {
  it('sets the given fields, keeps the others, and responds with the whole user', async () => {
    const username = newName();
    const token = await register(username);
    const first = await patch(token, { first_name: ' Ada ', email: 'Ada@EXAMPLE.com' });
    const expected = { username, first_name: 'Ada', last_name: '', email: 'Ada@example.com' };
    expect(await answer(first)).toEqual({
      status: 200,
      body: { id: expect.any(Number), ...expected },
    });
    const second = await patch(token, { last_name: 'Lovelace', first_name: '' });
    const now = { ...expected, first_name: '', last_name: 'Lovelace' };
    expect(await answer(second)).toMatchObject({ status: 200, body: now });
    expect(await answer(await getAs(token))).toMatchObject({ status: 200, body: now });
  });

  it('ignores unknown and read-only fields', async () => {
    const username = newName();
    const token = await register(username);
    const body = { id: 99, username: 'other', password: 'x', is_staff: true, nonsense: [1] };
    const { status, body: said } = await answer(await patch(token, body));
    expect(status).toBe(200);
    expect(said).toMatchObject({ username });
    const row = await env.DB.prepare('SELECT is_staff FROM auth_user WHERE username = ?')
      .bind(username)
      .first();
    expect(row).toEqual({ is_staff: 0 });
  });

  it('accepts an empty body and changes nothing', async () => {
    const token = await register(newName());
    const profile = { first_name: 'Ada', last_name: 'Lovelace', email: 'ada@example.com' };
    await patch(token, profile);
    const before = await answer(await getAs(token));
    expect(before.body).toMatchObject(profile);
    expect(await answer(await patch(token, undefined))).toEqual(before);
    expect(await answer(await getAs(token))).toEqual(before);
  });

  it('refuses invalid fields with DRF’s messages and changes nothing', async () => {
    const token = await register(newName());
    const body = { first_name: null, last_name: 'x'.repeat(151), email: 'no' };
    expect(await answer(await patch(token, body))).toEqual({
      status: 400,
      body: {
        first_name: ['This field may not be null.'],
        last_name: ['Ensure this field has no more than 150 characters.'],
        email: ['Enter a valid email address.'],
      },
    });
    expect(await answer(await getAs(token))).toMatchObject({ body: { last_name: '' } });
  });

  it('accepts a form', async () => {
    const token = await register(newName());
    const response = await send('/me', {
      method: 'PATCH',
      headers: { Authorization: `Token ${token}` },
      body: new URLSearchParams({ first_name: 'Bo' }),
    });
    expect(await answer(response)).toMatchObject({ status: 200, body: { first_name: 'Bo' } });
  });
});

describe('PUT /me', () => {
  const allowed: Bindings = { ...unthrottled, ALLOW_PUT_ME: 'true' };
  const put = (token: string, body: unknown, bindings = allowed) =>
    sendAs(token, 'PUT', '/me', body, bindings);

  it('sets the given fields like PATCH, and requires none', async () => {
    const username = newName();
    const token = await register(username);
    const profile = { first_name: 'Ada', last_name: 'Lovelace', email: 'ada@example.com' };
    const body = { id: 99, username: 'other', ...profile };
    const changed = await answer(await put(token, body));
    expect(changed).toEqual({
      status: 200,
      body: { id: expect.any(Number), username, ...profile },
    });
    // rest_framework/serializers.py: a field of a model that may be blank is not required.
    expect(await answer(await put(token, {}))).toEqual(changed);
    expect(await answer(await put(token, { first_name: '' }))).toMatchObject({
      status: 200,
      body: { ...profile, first_name: '' },
    });
  });

  it('refuses invalid fields, and another address without the password', async () => {
    const token = await register(newName());
    expect(await answer(await put(token, { email: 'no', first_name: null }))).toEqual({
      status: 400,
      body: {
        first_name: ['This field may not be null.'],
        email: ['Enter a valid email address.'],
      },
    });
    const { bindings, mails } = withMailbox({ ALLOW_PUT_ME: 'true' });
    expect(await answer(await put(token, { email: 'a@new.example' }, bindings))).toEqual({
      status: 400,
      body: { current_password: ['This field is required.'] },
    });
    expect(mails).toEqual([]);
  });

  it('requires a token', async () => {
    expect((await send('/me', { method: 'PUT' }, allowed)).status).toBe(401);
  });

  it('is listed in Allow and in the routes', async () => {
    const bindings = { ...allowed, BROWSABLE_API: 'false' };
    const token = await register(newName());
    const posted = await sendAs(token, 'POST', '/me', {}, bindings);
    expect(posted.headers.get('Allow')).toBe('GET, PUT, PATCH, DELETE, HEAD, OPTIONS');
    expect(await answer(await send('/', {}, bindings))).toMatchObject({
      body: { '/me': ['GET', 'PATCH', 'PUT', 'DELETE'] },
    });
  });

  it('is 405 by default, as the reference server responds', async () => {
    const token = await register(newName());
    const response = await put(token, {}, unthrottled);
    expect(response.headers.get('Allow')).toBe('GET, PATCH, DELETE, HEAD, OPTIONS');
    expect(await answer(response)).toEqual({
      status: 405,
      body: { detail: 'Method "PUT" not allowed.' },
    });
    expect((await send('/me', { method: 'PUT' })).status).toBe(401);
  });
});

describe('AUTH_HEADER_KEYWORD', () => {
  const bindings = { ...unthrottled, AUTH_HEADER_KEYWORD: 'Bearer' };
  const as = (authorization: string) =>
    send('/me', { headers: { Authorization: authorization } }, bindings);

  it('is the keyword of requests, and of WWW-Authenticate with each 401', async () => {
    const username = newName();
    const token = await register(username);
    expect(await answer(await as(`bearer ${token}`))).toMatchObject({
      status: 200,
      body: { username },
    });
    const login = { username, password: 'wrong' };
    const refused = [
      await as(`Token ${token}`),
      await as('Bearer wrong'),
      await send('/me', {}, bindings),
      await send('/me', { method: 'POST' }, bindings),
      await post('/login', login, bindings),
    ];
    for (const response of refused) {
      expect(response.status).toBe(401);
      expect(response.headers.get('WWW-Authenticate')).toBe('Bearer');
    }
  });
});

describe('DELETE /me', () => {
  it('responds 204, deletes the user and the token, and frees the username', async () => {
    const username = newName();
    const token = await register(username, 'pw');
    const response = await remove(token, { current_password: 'pw' });
    expect(response.status).toBe(204);
    expect(await response.text()).toBe('');
    expect(await count(username)).toEqual({ users: 0, tokens: 0 });
    expect(await answer(await getAs(token))).toEqual({
      status: 401,
      body: { detail: 'Invalid token.' },
    });
    expect((await post('/login', { username, password: 'pw' })).status).toBe(401);
    expect((await post('/register', { username, password: 'pw' })).status).toBe(201);
  });

  it('requires the current password and deletes nothing without it', async () => {
    const username = newName();
    const token = await register(username, 'pw');
    expect(await answer(await remove(token, { current_password: 'no' }))).toEqual({
      status: 400,
      body: { current_password: ['Invalid password.'] },
    });
    expect(await answer(await remove(token, {}))).toEqual({
      status: 400,
      body: { current_password: ['This field is required.'] },
    });
    expect(await count(username)).toEqual({ users: 1, tokens: 1 });
  });

  it('responds 409 and deletes nothing if another table refers to the user', async () => {
    const username = newName();
    const token = await register(username, 'pw');
    await env.DB.exec(
      'CREATE TABLE rocks (owner_id integer NOT NULL REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED)',
    );
    onTestFinished(async () => {
      await env.DB.exec('DROP TABLE IF EXISTS rocks');
    });
    await env.DB.prepare('INSERT INTO rocks SELECT id FROM auth_user WHERE username = ?')
      .bind(username)
      .run();
    const response = await remove(token, { current_password: 'pw' });
    expect(await answer(response)).toEqual({
      status: 409,
      body: { detail: 'This user cannot be deleted: other records refer to it.' },
    });
    expect(await count(username)).toEqual({ users: 1, tokens: 1 });
    expect((await getAs(token)).status).toBe(200);
    await env.DB.exec('DROP TABLE rocks');
    expect((await remove(token, { current_password: 'pw' })).status).toBe(204);
  });
});
