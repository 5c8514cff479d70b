/** `TOKEN_MODEL = "knox.AuthToken"` with passwords, activation, token cache, replicas, RPC and the middleware. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../src/app.ts';
import { tokenAuthentication } from '../../src/http/middleware/token-authentication.ts';
import { AuthEntrypoint } from '../../src/index.ts';
import { djangoDatetime } from '../../src/lib/django-datetime.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { storedToken } from '../../src/store/stored-token.ts';
import { answer, getAs, newName, post, register, sendAs, unthrottled } from '../helpers/client.ts';
import { failingD1, watchD1 } from '../helpers/intercept-d1.ts';
import { linkFor, withMailbox } from '../helpers/mailbox.ts';

const INVALID = { status: 401, body: { detail: 'Invalid token.' } };

/** Each call makes another environment, so another isolate for the token cache. */
const knox = (vars: Partial<Bindings> = {}): Bindings => ({
  ...unthrottled,
  TOKEN_MODEL: 'knox.AuthToken',
  ...vars,
});

const logIn = async (username: string, bindings: Bindings, password = 'pw') =>
  (await (await post('/login', { username, password }, bindings)).json<{ token: string }>()).token;

/** A user with a token of DRF and two of knox. */
async function withTokens() {
  const username = newName();
  const tokens = [
    await register(username, 'pw'),
    await logIn(username, knox()),
    await logIn(username, knox()),
  ] as const;
  return { username, tokens };
}

const statuses = (tokens: readonly string[], bindings = knox()) =>
  Promise.all(tokens.map(async (token) => (await getAs(token, '/me', bindings)).status));

const setExpiry = (token: string, expiry: Date | string | null) =>
  env.DB.prepare('UPDATE knox_authtoken SET expiry = ? WHERE digest = ?')
    .bind(expiry instanceof Date ? djangoDatetime(expiry) : expiry, storedToken(token).digest)
    .run();

const expiryOf = (token: string) =>
  env.DB.prepare('SELECT expiry FROM knox_authtoken WHERE digest = ?')
    .bind(storedToken(token).digest)
    .first<string>('expiry');

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000);

beforeEach(() => {
  vi.spyOn(console, 'log').mockReturnValue();
  vi.spyOn(console, 'error').mockReturnValue();
});

describe('a new password', () => {
  const CHANGES = [
    {
      path: '/users/set_password',
      body: { current_password: 'pw', new_password: 'new' },
    },
    {
      path: '/dj-rest-auth/password/change',
      body: { old_password: 'pw', new_password1: 'new', new_password2: 'new' },
    },
  ];

  it.each(CHANGES)('over $path keeps the tokens of all devices', async ({ path, body }) => {
    const { tokens } = await withTokens();
    expect((await sendAs(tokens[1], 'POST', path, body, knox())).ok).toBe(true);
    expect(await statuses(tokens)).toEqual([200, 200, 200]);
  });

  it.each(CHANGES)(
    'over $path ends all sessions with LOGOUT_ON_PASSWORD_CHANGE',
    async ({ path, body }) => {
      const { username, tokens } = await withTokens();
      const bindings = knox({ LOGOUT_ON_PASSWORD_CHANGE: 'true' });
      expect((await sendAs(tokens[1], 'POST', path, body, bindings)).ok).toBe(true);
      expect(await statuses(tokens)).toEqual([401, 401, 401]);
      expect(await statuses([await logIn(username, knox(), 'new')])).toEqual([200]);
    },
  );

  it('by a link ends the sessions of all devices', async () => {
    const { username, tokens } = await withTokens();
    const { bindings } = withMailbox(knox());
    const body = { ...(await linkFor(username)), new_password: 'new' };
    expect((await post('/users/reset_password_confirm', body, bindings)).status).toBe(204);
    expect(await statuses(tokens)).toEqual([401, 401, 401]);
    expect(await statuses([await logIn(username, knox(), 'new')])).toEqual([200]);
  });
});

describe('an activation', () => {
  const verifying = () => withMailbox(knox({ EMAIL_VERIFICATION: 'required' }));
  const STALE = { status: 403, body: { detail: 'Stale token for given user.' } };

  async function enrol() {
    const username = newName();
    const email = `${username}@example.com`;
    const { bindings, mails } = verifying();
    await post('/register', { username, password: 'pw', email }, bindings);
    return { username, email, bindings, mails };
  }

  const set = (username: string, columns: string) =>
    env.DB.prepare(`UPDATE auth_user SET ${columns} WHERE username = ?`).bind(username).run();

  it('makes a user active, who then logs in on two devices', async () => {
    const { username, bindings } = await enrol();
    const link = await linkFor(username, { purpose: 'activation' });
    expect((await post('/users/activation', link, bindings)).status).toBe(204);
    const tokens = [await logIn(username, bindings), await logIn(username, bindings)];
    expect(new Set(tokens).size).toBe(2);
    expect(await statuses(tokens)).toEqual([200, 200]);
    expect(await answer(await post('/users/activation', link, bindings))).toEqual({
      status: 400,
      body: { token: ['Invalid token for given user.'] },
    });
  });

  it('does not activate a user who was deactivated with a token, and sends no link', async () => {
    const { username, email, bindings, mails } = await enrol();
    await set(username, 'is_active = 1');
    const token = await logIn(username, bindings);
    await set(username, 'is_active = 0');
    mails.length = 0;
    const link = await linkFor(username, { purpose: 'activation' });
    expect(await answer(await post('/users/activation', link, bindings))).toEqual(STALE);
    expect((await post('/users/resend_activation', { email }, bindings)).status).toBe(204);
    expect(mails).toEqual([]);
    expect(await statuses([token])).toEqual([401]);
  });

  it('of a new address ends the sessions of all devices until then', async () => {
    const { username, bindings } = await enrol();
    await set(username, 'is_active = 1');
    const tokens = [await logIn(username, bindings), await logIn(username, bindings)] as const;
    const body = { email: `new-${username}@example.com`, current_password: 'pw' };
    const changed = await sendAs(tokens[0], 'PATCH', '/users/me', body, {
      ...bindings,
      DJOSER: 'true',
    });
    expect(changed.ok).toBe(true);
    expect(await statuses(tokens)).toEqual([401, 401]);
  });
});

describe('TOKEN_CACHE_SECONDS', () => {
  afterEach(() => void vi.useRealTimers());

  const caching = (vars: Partial<Bindings> = {}) => knox({ TOKEN_CACHE_SECONDS: '60', ...vars });

  it('refuses a cached token after its expiry, and deletes it', async () => {
    const bindings = caching();
    const token = await register(newName(), 'pw', bindings);
    await setExpiry(token, inSeconds(30));
    expect(await statuses([token], bindings)).toEqual([200]);
    vi.setSystemTime(inSeconds(31));
    expect(await answer(await getAs(token, '/me', bindings))).toEqual(INVALID);
    expect(await expiryOf(token)).toBeNull();
  });

  it('accepts a token that was renewed, by this isolate or by another', async () => {
    for (const renews of ['this', 'another']) {
      const bindings = caching(renews === 'this' ? { AUTO_REFRESH: 'true' } : {});
      const token = await register(newName(), 'pw', bindings);
      await setExpiry(token, inSeconds(30));
      expect(await statuses([token], bindings)).toEqual([200]);
      if (renews === 'another') await setExpiry(token, inSeconds(90));
      vi.setSystemTime(inSeconds(31));
      expect(await statuses([token], bindings)).toEqual([200]);
      vi.useRealTimers();
    }
  });

  it('tries a renewal once in its interval, although the cache had the old expiry', async () => {
    const { bindings: watched, roundTrips } = watchD1();
    const bindings = caching({ AUTO_REFRESH: 'true', DB: watched.DB });
    const token = await register(newName(), 'pw', bindings);
    await setExpiry(token, inSeconds(60));
    for (let i = 0; i < 5; i++) await getAs(token, '/me', bindings);
    const renewals = roundTrips.filter(({ sql }) => sql[0]?.startsWith('update knox_authtoken'));
    expect(renewals).toHaveLength(1);
    expect(Date.parse(`${await expiryOf(token)}Z`)).toBeGreaterThan(inSeconds(3600).getTime());
  });

  it.each([
    ['a logout', 'POST', '/logout'],
    ['a logout everywhere', 'POST', '/logoutall'],
    ['the deletion of a token', 'DELETE', `/tokens/`],
  ])('sees %s of the same isolate at once', async (_, method, path) => {
    const bindings = caching();
    const username = newName();
    const [token, other] = [
      await register(username, 'pw', bindings),
      await logIn(username, bindings),
    ];
    expect(await statuses([token, other], bindings)).toEqual([200, 200]);
    const id = path.endsWith('/') ? storedToken(token).digest.slice(0, 16) : '';
    expect((await sendAs(token, method, path + id, undefined, bindings)).status).toBe(204);
    const isAll = path === '/logoutall';
    expect(await statuses([token, other], bindings)).toEqual([401, isAll ? 401 : 200]);
  });
});

describe('TOKEN_READS = "nearest"', () => {
  /** A D1 whose sessions read the tokens as they were at the last `replicate`. */
  const replicated = () =>
    knox({
      TOKEN_READS: 'nearest',
      DB: new Proxy(env.DB, {
        get(target, property: string) {
          if (property !== 'withSession') return Reflect.get(target, property).bind(target);
          const prepare = (sql: string) =>
            target.prepare(sql.replace('from knox_authtoken', 'from replica_knox'));
          return () => ({ prepare });
        },
      }),
    });

  const replicate = () =>
    env.DB.batch([
      env.DB.prepare('DROP TABLE IF EXISTS replica_knox'),
      env.DB.prepare('CREATE TABLE replica_knox AS SELECT * FROM knox_authtoken'),
    ]);
  afterEach(async () => void (await env.DB.exec('DROP TABLE IF EXISTS replica_knox')));

  it('accepts a new token that no replica has yet', async () => {
    await replicate();
    const token = await register(newName(), 'pw', knox());
    expect(await statuses([token], replicated())).toEqual([200]);
  });

  it('accepts a token that was renewed, although it has expired in the replica', async () => {
    const token = await register(newName(), 'pw', knox());
    await setExpiry(token, '2020-01-01 00:00:00');
    await replicate();
    await setExpiry(token, inSeconds(60));
    expect(await statuses([token], replicated())).toEqual([200]);
    expect(await expiryOf(token)).not.toBeNull();
  });

  it('accepts a revoked token until the replica has the change, and does not bring it back', async () => {
    const token = await register(newName(), 'pw', knox());
    await setExpiry(token, inSeconds(60));
    await replicate();
    const bindings = { ...replicated(), AUTO_REFRESH: 'true' };
    expect((await sendAs(token, 'POST', '/logout', {}, bindings)).status).toBe(204);
    expect(await statuses([token], bindings)).toEqual([200]);
    expect(await expiryOf(token)).toBeNull();
    await replicate();
    expect(await statuses([token], bindings)).toEqual([401]);
  });
});

describe('AuthEntrypoint', () => {
  const authenticate = async (token: string, bindings: Bindings) => {
    const ctx = createExecutionContext();
    const result = await new AuthEntrypoint(ctx, bindings).authenticate(`Token ${token}`);
    await waitOnExecutionContext(ctx);
    return result;
  };

  it('returns the token with its expiry, as plain values', async () => {
    const username = newName();
    const token = await register(username, 'pw', knox());
    const result = await authenticate(token, knox());
    expect(JSON.parse(JSON.stringify(result))).toMatchObject({
      ok: true,
      value: { user: { username }, token: { key: token, expiry: await expiryOf(token) } },
    });
  });

  it('renews a token after the response', async () => {
    const token = await register(newName(), 'pw', knox());
    await setExpiry(token, inSeconds(60));
    expect((await authenticate(token, knox({ AUTO_REFRESH: 'true' }))).ok).toBe(true);
    const renewed = Date.parse(`${await expiryOf(token)}Z`);
    expect(renewed).toBeGreaterThan(inSeconds(3600).getTime());
  });

  it('refuses an expired token, and deletes it', async () => {
    const token = await register(newName(), 'pw', knox());
    await setExpiry(token, '2020-01-01 00:00:00');
    expect(await authenticate(token, knox())).toMatchObject({
      ok: false,
      error: { kind: 'authentication-failed', reason: 'invalid-token' },
    });
    expect(await expiryOf(token)).toBeNull();
  });

  it('returns that the database does not respond', async () => {
    const { DB } = failingD1(new Error('D1_ERROR: Network connection lost.'));
    expect(await authenticate('token', knox({ DB }))).toEqual({
      ok: false,
      error: { kind: 'unavailable' },
    });
  });
});

describe('tokenAuthentication', () => {
  it('sets the token with its expiry, and renews it after the response', async () => {
    const auth = createApp({ bindings: () => knox({ AUTO_REFRESH: 'true' }) });
    const host = new Hono().use(tokenAuthentication(auth)).get('/rocks', (c) => c.json(c.var.auth));
    const token = await register(newName(), 'pw', knox());
    const soon = inSeconds(60);
    await setExpiry(token, soon);
    const ctx = createExecutionContext();
    const headers = { Authorization: `Token ${token}` };
    const response = await host.request('/rocks', { headers }, {}, ctx);
    expect(await response.json()).toMatchObject({ key: token, expiry: djangoDatetime(soon) });
    await waitOnExecutionContext(ctx);
    expect(await expiryOf(token)).not.toBe(djangoDatetime(soon));
  });
});
