import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';

import { makePassword } from '../../../src/hashing/hashers.ts';
import { answer, getAs, newName, post, register, unthrottled } from '../../helpers/client.ts';
import { interceptD1, watchD1 } from '../../helpers/intercept-d1.ts';

const deleteToken = (key: string) =>
  env.DB.prepare('DELETE FROM authtoken_token WHERE key = ?').bind(key).run();

const setPassword = (username: string, encoded: string) =>
  env.DB.prepare('UPDATE auth_user SET password = ? WHERE username = ?')
    .bind(encoded, username)
    .run();

const storedPassword = (username: string) =>
  env.DB.prepare('SELECT password FROM auth_user WHERE username = ?')
    .bind(username)
    .first<string>('password');

/** The password of the imported hashes. */
const IMPORTED = 'correct horse battery staple';
const MD5 = 'md5$salt$2338b2cbd799d580b6a70349f87de5ea';

const UNABLE = 'Unable to log in with provided credentials.';

describe.each([
  {
    path: '/login',
    success: { valid: true },
    refusal: {
      status: 401,
      headers: expect.arrayContaining([['www-authenticate', 'Token']]),
      body: JSON.stringify({ valid: false, detail: UNABLE }),
    },
  },
  {
    path: '/api-token-auth',
    success: {},
    refusal: { status: 400, body: JSON.stringify({ non_field_errors: [UNABLE] }) },
  },
])('POST $path', ({ path, success, refusal }) => {
  it('responds with the token of the registration each time, as not cacheable', async () => {
    const username = newName();
    const token = await register(username, 'pw');
    for (let i = 0; i < 2; i++) {
      const response = await post(path, { username, password: 'pw' });
      expect(response.headers.get('Cache-Control')).toBe('no-store');
      expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
      expect(await answer(response)).toEqual({ status: 200, body: { ...success, token } });
    }
  });

  it('responds with the same bytes and headers to unknown, wrong, inactive and unusable', async () => {
    const [wrong, inactive, unusable] = [newName(), newName(), newName()];
    for (const username of [wrong, inactive, unusable]) await register(username, 'pw');
    await env.DB.prepare('UPDATE auth_user SET is_active = 0 WHERE username = ?')
      .bind(inactive)
      .run();
    await setPassword(unusable, '!UqPz7f0vGm3kXb8sRt2yWc5nLd9hJa4eQo6iBp1T');

    const refusals = [];
    for (const [username, password] of [
      ['nobody', 'pw'],
      [wrong, 'no'],
      [inactive, 'pw'],
      [unusable, 'pw'],
    ]) {
      const response = await post(path, { username, password });
      const headers = [...response.headers];
      refusals.push({ status: response.status, headers, body: await response.text() });
    }
    for (const each of refusals) expect(each).toEqual(refusals[0]);
    expect(refusals[0]).toMatchObject(refusal);
  });

  it('runs the same hashing for an unknown or inactive user as for a wrong password', async () => {
    const [wrong, inactive] = [newName(), newName()];
    for (const username of [wrong, inactive]) await register(username, 'pw');
    await env.DB.prepare('UPDATE auth_user SET is_active = 0 WHERE username = ?')
      .bind(inactive)
      .run();
    const deriveBits = vi.spyOn(crypto.subtle, 'deriveBits');
    for (const [username, password] of [
      [wrong, 'no'],
      ['nobody', 'pw'],
      [inactive, 'pw'],
      [inactive, 'no'],
    ]) {
      deriveBits.mockClear();
      await post(path, { username, password });
      const parameters = deriveBits.mock.calls.map(([algorithm]) => algorithm);
      expect(parameters).toEqual([expect.objectContaining({ iterations: 1000 })]);
    }
  });

  it('refuses a username of more than 150 characters at the same cost, without normalizing it', async () => {
    const short = 'é'.repeat(76);
    await register(short, 'pw');
    const deriveBits = vi.spyOn(crypto.subtle, 'deriveBits');
    const normalize = vi.spyOn(String.prototype, 'normalize');
    // The normal form of the first one would be the username of that user.
    for (const username of ['e\u0301'.repeat(76), 'ﬀ'.repeat(20_000)]) {
      const { bindings, roundTrips } = watchD1();
      const response = await post(path, { username, password: 'pw' }, bindings);
      expect(response.status).toBe(refusal.status);
      expect(await response.text()).toBe(refusal.body);
      expect(roundTrips).toHaveLength(1);
    }
    expect(deriveBits).toHaveBeenCalledTimes(2);
    expect(normalize).not.toHaveBeenCalled();
  });

  it('returns the same token to ten simultaneous first logins', async () => {
    const username = newName();
    await deleteToken(await register(username, 'pw'));
    const ten = Array.from({ length: 10 }, () => post(path, { username, password: 'pw' }));
    const results = await Promise.all((await Promise.all(ten)).map(answer));
    expect(new Set(results.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(results[0]).toEqual({
      status: 200,
      body: { ...success, token: expect.stringMatching(/^[0-9a-f]{40}$/) },
    });
  });

  it('returns the same token to ten simultaneous first logins while the hash is upgraded', async () => {
    const username = newName();
    await deleteToken(await register(username, 'pw'));
    await setPassword(username, await makePassword('pw', 10));
    const ten = Array.from({ length: 10 }, () => post(path, { username, password: 'pw' }));
    const results = await Promise.all((await Promise.all(ten)).map(answer));
    expect(new Set(results.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(results[0]?.status).toBe(200);
  });

  it('returns no token if the password is replaced during verification', async () => {
    const username = newName();
    await deleteToken(await register(username, 'old'));
    const replaced = await makePassword('new', 1000);
    let reads = 0;
    const DB = interceptD1(env.DB, {
      around: async ({ run }) => {
        const result = await run();
        if (++reads === 1) await setPassword(username, replaced);
        return result;
      },
    });
    const response = await post(path, { username, password: 'old' }, { ...unthrottled, DB });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(await response.text()).toContain(UNABLE);
  });

  it('returns no token if the user is deactivated during verification', async () => {
    const username = newName();
    await deleteToken(await register(username, 'pw'));
    const DB = interceptD1(env.DB, {
      around: async ({ run }) => {
        const result = await run();
        await env.DB.prepare('UPDATE auth_user SET is_active = 0 WHERE username = ?')
          .bind(username)
          .run();
        return result;
      },
    });
    const response = await post(path, { username, password: 'pw' }, { ...unthrottled, DB });
    expect(response.status).toBe(refusal.status);
    expect(await response.text()).toBe(refusal.body);
    const { results } = await env.DB.prepare(
      'SELECT key FROM authtoken_token JOIN auth_user ON id = user_id WHERE username = ?',
    )
      .bind(username)
      .all();
    expect(results).toEqual([]);
  });

  it.each([
    { times: 1, status: 200 },
    { times: 2, status: refusal.status },
  ])(
    'reads the user twice if the hash is replaced $times times during verification',
    async (replaced) => {
      const username = newName();
      await deleteToken(await register(username, 'pw'));
      const roundTrips: string[] = [];
      const DB = interceptD1(env.DB, {
        around: async ({ sql: [sql = ''], run }) => {
          const result = await run();
          roundTrips.push(sql.slice(0, 6));
          if (sql.startsWith('select') && roundTrips.length < 2 * replaced.times) {
            await setPassword(username, await makePassword('pw', 1000));
          }
          return result;
        },
      });
      const response = await post(path, { username, password: 'pw' }, { ...unthrottled, DB });
      expect(response.status).toBe(replaced.status);
      expect(roundTrips).toEqual(['select', 'insert', 'select', 'insert']);
    },
  );
});

describe('POST /login', () => {
  it('upgrades a weaker hash after the response and keeps the password', async () => {
    const username = newName();
    const token = await register(username, 'pw');
    await setPassword(username, await makePassword('pw', 10));
    await post('/login', { username, password: 'pw' });
    expect(await storedPassword(username)).toMatch(/^pbkdf2_sha256\$1000\$/);
    const response = await post('/login', { username, password: 'pw' });
    expect(await answer(response)).toEqual({ status: 200, body: { valid: true, token } });
  });

  it.each([
    {
      name: 'PBKDF2 with more iterations',
      encoded:
        'pbkdf2_sha256$1500000$mDayJcOd0ddWYtLM24XsOp$GLrYFdvWdRAhShhG3e89ep5+ZAOtikghPltSKnqJCxM=',
    },
    {
      name: 'argon2',
      encoded: 'argon2$argon2id$v=19$m=64,t=2,p=2$SFAxdjJBMFk3S0tyMnZMdw$J2HumlsQ2HBj4sysZYAMKg',
    },
    {
      name: 'bcrypt_sha256',
      encoded: 'bcrypt_sha256$$2b$04$YnQiK8P/xegh11c6OpTz0uQ3qSYPPxtWKbClDguSRiDMmoP3U3KYK',
    },
    {
      name: 'scrypt',
      encoded:
        'scrypt$1024$salt$8$1$oWh9qXYCMqX+vzlasojLk8nrtnJcAFMjporkmkwkU4lR1+iJgHl2M6gs3ffMLzf/z6QtKhIi6wbvy2h2UZdeTA==',
    },
    {
      name: 'md5, if the setting lists it',
      encoded: MD5,
      hashers: 'PBKDF2PasswordHasher,MD5PasswordHasher',
    },
  ])('replaces a hash after the first login, as Django does: $name', async (imported) => {
    const username = newName();
    await register(username, 'pw');
    await setPassword(username, imported.encoded);
    const bindings = { ...unthrottled, PASSWORD_HASHERS: imported.hashers };
    const logIn = (password: string) => post('/login', { username, password }, bindings);
    expect((await logIn('wrong')).status).toBe(401);
    expect(await storedPassword(username)).toBe(imported.encoded);
    expect((await logIn(IMPORTED)).status).toBe(200);
    expect(await storedPassword(username)).toMatch(/^pbkdf2_sha256\$1000\$/);
    expect((await logIn(IMPORTED)).status).toBe(200);
  });

  it.each([
    { name: 'its hasher is not listed', encoded: MD5, isLogged: true },
    {
      name: 'it is above the limits',
      encoded: 'argon2$argon2id$v=19$m=131072,t=2,p=8$c29tZXNhbHQ$aGFzaA',
      isLogged: true,
    },
    { name: 'it is crypt’s', encoded: 'crypt$$abBnbvhnmongU', isLogged: true },
    { name: 'it is unusable', encoded: '!', isLogged: false },
  ])('does not check a hash if $name, in the time of a new one', async (imported) => {
    const [username, other] = [newName(), newName()];
    for (const name of [username, other]) await register(name, 'pw');
    await setPassword(username, imported.encoded);
    const wrong = await answer(await post('/login', { username: other, password: IMPORTED }));

    const log = vi.spyOn(console, 'log').mockReturnValue();
    const deriveBits = vi.spyOn(crypto.subtle, 'deriveBits');
    const refused = await answer(await post('/login', { username, password: IMPORTED }));
    expect(refused).toEqual(wrong);
    expect(deriveBits).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ iterations: 1000 }),
      expect.anything(),
      expect.anything(),
    );
    const reason = imported.isLogged ? 'hash-not-supported' : 'wrong-password';
    expect(log.mock.calls.map(([line]) => JSON.parse(String(line)).reason)).toEqual([reason]);
    expect(await storedPassword(username)).toBe(imported.encoded);
  });

  it('keeps a weaker hash if the password is wrong', async () => {
    const username = newName();
    await register(username, 'pw');
    const weaker = await makePassword('pw', 10);
    await setPassword(username, weaker);
    await post('/login', { username, password: 'no' });
    expect(await storedPassword(username)).toBe(weaker);
  });

  it('does not overwrite a password change with a hash upgrade (compare-and-swap)', async () => {
    const username = newName();
    await register(username, 'pw');
    await setPassword(username, await makePassword('pw', 10));
    const changed = await makePassword('changed during login', 1000);
    const DB = interceptD1(env.DB, {
      around: async ({ sql, run }) => {
        if (sql[0]?.startsWith('update')) await setPassword(username, changed);
        return run();
      },
    });
    const log = vi.spyOn(console, 'log').mockReturnValue();
    await post('/login', { username, password: 'pw' }, { ...unthrottled, DB });
    expect(await storedPassword(username)).toBe(changed);
    expect(log.mock.calls.map(([line]) => JSON.parse(String(line)).event)).toEqual([
      'login-succeeded',
    ]);
  });

  it('creates a valid token for an imported user without one', async () => {
    const username = newName();
    await deleteToken(await register(username, 'pw'));
    const response = await post('/login', { username, password: 'pw' });
    const { token } = await response.json<{ token: string }>();
    expect(await answer(await getAs(token))).toMatchObject({ status: 200, body: { username } });
  });
});
