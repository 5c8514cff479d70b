import { env } from 'cloudflare:workers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { answer, newName, post, register } from '../../helpers/client.ts';

const rows = async (username: string) => {
  const { results } = await env.DB.prepare(
    `SELECT u.username, t.key FROM auth_user u LEFT JOIN authtoken_token t ON t.user_id = u.id
      WHERE u.username = ?`,
  )
    .bind(username)
    .all();
  return results;
};

describe('POST /register', () => {
  it('responds 201 with a new token, with no-store and nosniff headers', async () => {
    const response = await post('/register', { username: newName(), password: 'pw' });
    expect(response.headers.get('Content-Type')).toBe('application/json');
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(await answer(response)).toEqual({
      status: 201,
      body: { token: expect.stringMatching(/^[0-9a-f]{40}$/) },
    });
  });

  it('stores an active user without privileges, with Django’s datetimes', async () => {
    const username = newName();
    const key = await register(username);
    const stored = await env.DB.prepare(
      `SELECT last_login, is_superuser, is_staff, is_active, date_joined, created
         FROM auth_user JOIN authtoken_token ON user_id = id WHERE key = ?`,
    )
      .bind(key)
      .first();
    const datetime = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?$/);
    expect(stored).toEqual({
      last_login: null,
      is_superuser: 0,
      is_staff: 0,
      is_active: 1,
      date_joined: datetime,
      created: datetime,
    });
  });

  // The passwords are hashed one after the other, with pauses, so this test takes longer.
  it('accepts one of fifty simultaneous registrations of a username', {
    timeout: 60_000,
  }, async () => {
    const username = newName();
    const fifty = Array.from({ length: 50 }, (_, i) =>
      post('/register', { username, password: `pw${i}` }),
    );
    const results = await Promise.all((await Promise.all(fifty)).map(answer));
    const created = results.filter(({ status }) => status === 201);
    const refused = results.filter(({ status }) => status !== 201);
    expect(created).toHaveLength(1);
    expect(refused).toHaveLength(49);
    for (const refusal of refused) {
      const sentence = 'A user with that username already exists.';
      expect(refusal).toEqual({ status: 400, body: { username: [sentence] } });
    }
    expect(await rows(username)).toEqual([{ username, key: expect.any(String) }]);
  });

  it('creates no user if the token cannot be inserted', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const username = newName();
    await env.DB.exec(
      "CREATE TRIGGER refuse_tokens BEFORE INSERT ON authtoken_token BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    onTestFinished(async () => {
      await env.DB.exec('DROP TRIGGER IF EXISTS refuse_tokens');
    });
    const response = await post('/register', { username, password: 'pw' });
    expect(await answer(response)).toEqual({
      status: 500,
      body: { detail: 'A server error occurred.' },
    });
    expect(await rows(username)).toEqual([]);
    await env.DB.exec('DROP TRIGGER refuse_tokens');
    expect(await register(username)).toMatch(/^[0-9a-f]{40}$/);
  });
});
