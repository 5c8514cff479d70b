/** The settings for what clients read of the responses to a registration or a login. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { answer, newName, post, register, send, unthrottled } from '../helpers/client.ts';
import { watchD1 } from '../helpers/intercept-d1.ts';
import { withMailbox } from '../helpers/mailbox.ts';

const token = expect.stringMatching(/^[0-9a-f]{40}$/);
const withFields = (TOKEN_RESPONSE_FIELDS: string) => ({ ...unthrottled, TOKEN_RESPONSE_FIELDS });

describe('TOKEN_RESPONSE_FIELDS', () => {
  it('adds fields of the user, and true, to a registration and to both logins', async () => {
    const bindings = withFields('id, userId=id, staff = is_staff,username,first_name,valid=true');
    const username = newName();
    const user = { username, password: 'pw', first_name: ' Meg ' };
    const registered = await answer(await post('/register', user, bindings));
    const fields = {
      id: expect.any(Number),
      userId: expect.any(Number),
      staff: false,
      username,
      first_name: 'Meg',
      valid: true,
    };
    expect(registered).toEqual({ status: 201, body: { ...fields, token } });

    await env.DB.prepare('UPDATE auth_user SET is_staff = 1 WHERE username = ?')
      .bind(username)
      .run();
    for (const path of ['/login', '/api-token-auth']) {
      expect(await answer(await post(path, user, bindings))).toEqual({
        status: 200,
        body: { ...fields, staff: true, token },
      });
    }
  });

  it('adds the expiry of the token, without another query', async () => {
    const user = { username: newName(), password: 'pw' };
    const knox = { TOKEN_MODEL: 'knox.AuthToken', TOKEN_TTL: '60' };
    for (const [vars, expiry] of [
      [{}, null],
      [{ TOKEN_MAX_AGE_DAYS: '1' }, expect.stringMatching(/^2\d{3}-.*T.*Z$/)],
      [knox, expect.stringMatching(/^2\d{3}-.*T.*Z$/)],
    ] as const) {
      const { bindings: watched, roundTrips } = watchD1();
      const bindings = { ...watched, ...vars, TOKEN_RESPONSE_FIELDS: 'expiry' };
      const body = { ...user, username: newName() };
      expect((await answer(await post('/register', body, bindings))).body).toMatchObject({
        expiry,
      });
      roundTrips.length = 0;
      expect((await answer(await post('/login', body, bindings))).body).toMatchObject({ expiry });
      const withExpiry = roundTrips.splice(0).length;
      await post('/login', body, { ...bindings, TOKEN_RESPONSE_FIELDS: '' });
      expect(roundTrips).toHaveLength(withExpiry);
    }
  });

  it('never adds a field to a refusal', async () => {
    const bindings = withFields('id,valid=true');
    const username = newName();
    const user = { username, password: 'pw' };
    await post('/register', user, bindings);
    expect(await answer(await post('/register', user, bindings))).toEqual({
      status: 400,
      body: { username: ['A user with that username already exists.'] },
    });
    expect(await answer(await post('/login', { ...user, password: 'no' }, bindings))).toEqual({
      status: 401,
      body: { valid: false, detail: 'Unable to log in with provided credentials.' },
    });
  });

  it('cannot replace what the response has on its own', async () => {
    const username = newName();
    await register(username, 'pw');
    const login = await post('/login', { username, password: 'pw' }, withFields('valid=is_staff'));
    expect(await answer(login)).toEqual({ status: 200, body: { valid: true, token } });
  });

  it('adds nothing to the response to a user without a token', async () => {
    const { bindings } = withMailbox({
      EMAIL_VERIFICATION: 'required',
      TOKEN_RESPONSE_FIELDS: 'id,valid=true',
      REGISTER_STATUS: '200',
    });
    const username = newName();
    const user = { username, password: 'pw', email: `${username}@example.com` };
    expect(await answer(await post('/register', user, bindings))).toEqual({
      status: 200,
      body: { detail: 'Verification e-mail sent.' },
    });
  });

  it('needs one query more for a login, and none for a registration', async () => {
    const username = newName();
    await register(username, 'pw');
    const queries = async (path: string, name: string, fields: string) => {
      const { bindings, roundTrips } = watchD1();
      const vars = { ...bindings, TOKEN_RESPONSE_FIELDS: fields };
      await post(path, { username: name, password: 'pw' }, vars);
      return roundTrips.length;
    };
    const login = await queries('/login', username, '');
    expect(await queries('/login', username, 'id,is_staff')).toBe(login + 1);
    expect(await queries('/login', username, 'valid=true')).toBe(login);
    const registration = await queries('/register', newName(), '');
    expect(await queries('/register', newName(), 'id,is_staff')).toBe(registration);
  });
});

describe('REGISTER_STATUS', () => {
  it('is the status of a registration', async () => {
    const registerWith = (REGISTER_STATUS: string) =>
      post(
        '/register',
        { username: newName(), password: 'pw' },
        { ...unthrottled, REGISTER_STATUS },
      );
    expect(await answer(await registerWith('200'))).toEqual({ status: 200, body: { token } });
    expect(await answer(await registerWith('201'))).toEqual({ status: 201, body: { token } });
  });
});

describe('ERROR_MESSAGE', () => {
  const bindings = { ...unthrottled, ERROR_MESSAGE: 'true' };

  it.each([
    {
      path: '/register',
      body: { username: 'a b', email: 'no' },
      status: 400,
      message:
        'Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.',
    },
    {
      path: '/api-token-auth',
      body: { username: 'nobody', password: 'pw' },
      status: 400,
      message: 'Unable to log in with provided credentials.',
    },
    {
      path: '/login',
      body: { username: 'nobody', password: 'pw' },
      status: 401,
      message: 'Unable to log in with provided credentials.',
    },
    {
      path: '/logout',
      body: {},
      status: 401,
      message: 'Authentication credentials were not provided.',
    },
    { path: '/health', body: {}, status: 405, message: 'Method "POST" not allowed.' },
    { path: '/nothing', body: {}, status: 404, message: 'Not found.' },
  ])('adds the first sentence to $status of $path', async ({ path, body, status, message }) => {
    const plain = await answer(await post(path, body));
    const response = await post(path, body, bindings);
    expect(response.headers.get('Content-Type')).toBe('application/json');
    expect(await answer(response)).toEqual({ status, body: { ...Object(plain.body), message } });
  });

  it('keeps the headers of an error', async () => {
    const headers = { Origin: 'http://localhost:5173' };
    const response = await send('/me', { headers }, bindings);
    expect(response.headers.get('WWW-Authenticate')).toBe('Token');
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe(headers.Origin);
    expect(response.headers.get('Content-Security-Policy')).toContain("default-src 'none'");
  });

  it('adds nothing to other responses', async () => {
    const user = { username: newName(), password: 'pw' };
    expect(await answer(await post('/register', user, bindings))).toEqual({
      status: 201,
      body: { token },
    });
    expect((await send('/', {}, bindings)).status).toBe(200);
  });
});
