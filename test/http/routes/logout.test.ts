import { env } from 'cloudflare:workers';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  answer,
  getAs,
  newName,
  post,
  register,
  sendAs,
  unthrottled,
} from '../../helpers/client.ts';

const INVALID = { status: 401, body: { detail: 'Invalid token.' } };

describe('POST /logout', () => {
  it('responds 204 without a body and revokes the token; the next login returns a new token', async () => {
    const username = newName();
    const token = await register(username, 'pw');
    const response = await sendAs(token, 'POST', '/logout');
    expect(response.status).toBe(204);
    expect(await response.text()).toBe('');
    expect(await answer(await getAs(token))).toEqual(INVALID);
    expect(await answer(await sendAs(token, 'POST', '/logout'))).toEqual(INVALID);

    const login = await post('/login', { username, password: 'pw' });
    const { token: next } = await login.json<{ token: string }>();
    expect(next).toMatch(/^[0-9a-f]{40}$/);
    expect(next).not.toBe(token);
    expect((await getAs(next)).status).toBe(200);
    expect((await getAs(token)).status).toBe(401);
  });

  it('keeps the tokens of other users', async () => {
    const [mine, theirs] = [await register(newName()), await register(newName())];
    await sendAs(mine, 'POST', '/logout');
    expect((await getAs(theirs)).status).toBe(200);
  });
});

describe('TOKEN_MAX_AGE_DAYS', () => {
  const expiring = { ...unthrottled, TOKEN_MAX_AGE_DAYS: '30' };
  const setCreated = (key: string, modifier: string) =>
    env.DB.prepare(
      "UPDATE authtoken_token SET created = strftime('%Y-%m-%d %H:%M:%f', 'now', ?) || '000' WHERE key = ?",
    )
      .bind(modifier, key)
      .run();

  it('accepts a token up to the maximum age and responds 401 after it', async () => {
    const token = await register(newName());
    await setCreated(token, '-2591940 seconds'); // 30 days minus one minute
    expect((await getAs(token, '/me', expiring)).status).toBe(200);
    await setCreated(token, '-2592060 seconds'); // 30 days plus one minute
    const response = await getAs(token, '/me', expiring);
    expect(response.headers.get('WWW-Authenticate')).toBe('Token');
    expect(await answer(response)).toEqual({ status: 401, body: { detail: 'Token has expired.' } });
  });

  it('does not expire tokens if it is not set, as in DRF', async () => {
    const token = await register(newName());
    await setCreated(token, '-20 years');
    expect((await getAs(token)).status).toBe(200);
  });

  it('replaces an expired token at login, by the same one for ten simultaneous logins', async () => {
    const username = newName();
    const token = await register(username, 'pw');
    await setCreated(token, '-31 days');
    const ten = Array.from({ length: 10 }, () =>
      post('/login', { username, password: 'pw' }, expiring),
    );
    const results = await Promise.all((await Promise.all(ten)).map(answer));
    expect(new Set(results.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(results[0]?.status).toBe(200);
    const { token: next } = v.parse(v.object({ token: v.string() }), results[0]?.body);
    expect(next).not.toBe(token);
    expect((await getAs(next, '/me', expiring)).status).toBe(200);
    expect((await getAs(token, '/me', expiring)).status).toBe(401);
  });

  it('keeps a token at login if it has not expired', async () => {
    const username = newName();
    const token = await register(username, 'pw');
    const response = await post('/login', { username, password: 'pw' }, expiring);
    expect(await answer(response)).toEqual({ status: 200, body: { valid: true, token } });
  });
});
