import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { makePassword } from '../../../src/hashing/hashers.ts';
import {
  answer,
  getAs,
  newName,
  post,
  register,
  sendAs,
  unthrottled,
} from '../../helpers/client.ts';

const change = (token: string, current_password: unknown, new_password: unknown) =>
  sendAs(token, 'POST', '/password', { current_password, new_password });

const canLogIn = async (username: string, password: string) =>
  (await post('/login', { username, password })).status === 200;

describe('POST /password', () => {
  it('sets the new password, returns a new token and revokes the old one', async () => {
    const username = newName();
    const token = await register(username, 'old');
    const response = await change(token, 'old', 'new');
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    const { status, body } = await answer(response);
    expect({ status, body }).toEqual({
      status: 200,
      body: { token: expect.stringMatching(/^[0-9a-f]{40}$/) },
    });
    expect((await getAs(token)).status).toBe(401);
    expect(await canLogIn(username, 'old')).toBe(false);
    expect(await answer(await post('/login', { username, password: 'new' }))).toEqual({
      status: 200,
      body: Object.assign({ valid: true }, body),
    });
  });

  it('returns a token created at the time of the change', async () => {
    const token = await register(newName(), 'old');
    await env.DB.prepare("UPDATE authtoken_token SET created = '2020-01-01 00:00:00' WHERE key = ?")
      .bind(token)
      .run();
    const { token: next } = await (await change(token, 'old', 'new')).json<{ token: string }>();
    const expiring = { ...unthrottled, TOKEN_MAX_AGE_DAYS: '1' };
    expect((await getAs(next, '/me', expiring)).status).toBe(200);
  });

  it('refuses a wrong current password and changes nothing', async () => {
    const username = newName();
    const token = await register(username, 'old');
    expect(await answer(await change(token, 'wrong', 'new'))).toEqual({
      status: 400,
      body: { current_password: ['Invalid password.'] },
    });
    expect((await getAs(token)).status).toBe(200);
    expect(await canLogIn(username, 'old')).toBe(true);
  });

  it('requires both passwords, with DRF’s messages', async () => {
    const token = await register(newName());
    expect(await answer(await sendAs(token, 'POST', '/password', {}))).toEqual({
      status: 400,
      body: {
        current_password: ['This field is required.'],
        new_password: ['This field is required.'],
      },
    });
    expect(await answer(await change(token, '', 'p'.repeat(4097)))).toEqual({
      status: 400,
      body: {
        current_password: ['This field may not be blank.'],
        new_password: ['Ensure this field has no more than 4096 characters.'],
      },
    });
  });

  it('responds 401 without a token', async () => {
    const response = await post('/password', { current_password: 'a', new_password: 'b' });
    expect(response.status).toBe(401);
  });

  it('changes the password if the hash is upgraded during the request', async () => {
    const username = newName();
    const token = await register(username, 'old');
    await env.DB.prepare('UPDATE auth_user SET password = ? WHERE username = ?')
      .bind(await makePassword('old', 10), username)
      .run();
    const [changed] = await Promise.all([
      change(token, 'old', 'new'),
      post('/login', { username, password: 'old' }),
    ]);
    expect(changed.status).toBe(200);
    expect(await canLogIn(username, 'new')).toBe(true);
    expect(await canLogIn(username, 'old')).toBe(false);
  });

  it('leaves each user one token after simultaneous changes and logins', async () => {
    for (let round = 0; round < 10; round++) {
      const username = newName();
      const token = await register(username, 'old');
      const racers = await Promise.all([
        change(token, 'old', 'new'),
        ...Array.from({ length: 5 }, () => post('/login', { username, password: 'old' })),
        change(token, 'old', 'other'),
        ...Array.from({ length: 5 }, () => post('/login', { username, password: 'new' })),
      ]);
      for (const { status } of racers) expect([200, 400, 401]).toContain(status);
      const { results } = await env.DB.prepare(
        'SELECT t.key FROM authtoken_token t JOIN auth_user u ON u.id = t.user_id WHERE u.username = ?',
      )
        .bind(username)
        .all();
      expect(results).toHaveLength(1);
      const winners = racers.filter((r, i) => r.status === 200 && (i === 0 || i === 6));
      expect(winners).toHaveLength(1);
      expect(results).toEqual([{ key: (await winners[0]?.json<{ token: string }>())?.token }]);
    }
  });
});

describe('AUTH_PASSWORD_VALIDATORS', () => {
  const strict = {
    ...unthrottled,
    AUTH_PASSWORD_VALIDATORS:
      'UserAttributeSimilarity,MinimumLength,CommonPassword,NumericPassword',
  };

  it('is off by default, so that the example of the lesson registers', async () => {
    const username = `${newName()}@ducharme.com`;
    const names = { first_name: 'Meg', last_name: 'Ducharme' };
    const response = await post('/register', { username, password: 'ducharme', ...names });
    expect(response.status).toBe(201);
  });

  it('refuses a registration with Django’s messages, under password', async () => {
    const body = { username: newName(), last_name: 'Ducharme', password: 'ducharme' };
    expect(await answer(await post('/register', body, strict))).toEqual({
      status: 400,
      body: { password: ['The password is too similar to the last name.'] },
    });
    expect(await answer(await post('/register', { ...body, password: '12345' }, strict))).toEqual({
      status: 400,
      body: {
        password: [
          'This password is too short. It must contain at least 8 characters.',
          'This password is too common.',
          'This password is entirely numeric.',
        ],
      },
    });
  });

  it('refuses a change with Django’s messages, under new_password, and changes nothing', async () => {
    const username = newName();
    const token = await register(username, 'old');
    const body = { current_password: 'old', new_password: 'password' };
    expect(await answer(await sendAs(token, 'POST', '/password', body, strict))).toEqual({
      status: 400,
      body: { new_password: ['This password is too common.'] },
    });
    expect(await canLogIn(username, 'old')).toBe(true);
  });

  it('compares a new password with the names of the user', async () => {
    const body = { username: newName(), last_name: 'Ducharme', password: 'old' };
    const { token } = await (await post('/register', body)).json<{ token: string }>();
    const change = { current_password: 'old', new_password: 'ducharme1' };
    expect(await answer(await sendAs(token, 'POST', '/password', change, strict))).toEqual({
      status: 400,
      body: { new_password: ['The password is too similar to the last name.'] },
    });
  });

  it('accepts a password that passes all validators', async () => {
    const body = { username: newName(), password: 'correct horse battery' };
    expect((await post('/register', body, strict)).status).toBe(201);
  });
});
