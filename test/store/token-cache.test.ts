/** `TOKEN_CACHE_SECONDS`: which tokens are cached, for how long, and when they are invalidated. */
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import type { Bindings } from '../../src/services/bindings.ts';
import { createStore } from '../../src/store/store.ts';
import { MAX_TOKENS, withTokenCache } from '../../src/store/token-cache.ts';
import { answer, getAs, newName, post, register, sendAs } from '../helpers/client.ts';
import { watchD1 } from '../helpers/intercept-d1.ts';
import { linkFor, withMailbox } from '../helpers/mailbox.ts';

/** Bindings of an isolate that caches tokens for five seconds, and the number of its D1 calls. */
function caching() {
  const { bindings, roundTrips } = watchD1();
  const caching: Bindings = Object.assign(bindings, { TOKEN_CACHE_SECONDS: '5' });
  return { bindings: caching, d1Calls: () => roundTrips.length };
}

const NOW = Date.now();

const INVALID = { status: 401, body: { detail: 'Invalid token.' } };

describe('TOKEN_CACHE_SECONDS', () => {
  it('authenticates the second request with a token without the database', async () => {
    const { bindings, d1Calls } = caching();
    const token = await register(newName());
    const first = await answer(await getAs(token, '/me', bindings));
    expect(d1Calls()).toBe(1);
    expect(await answer(await getAs(token, '/me', bindings))).toEqual(first);
    expect(d1Calls()).toBe(1);
  });

  it('queries the database again when the entry has expired', async () => {
    const { bindings, d1Calls } = caching();
    const token = await register(newName());
    const now = vi.spyOn(Date, 'now').mockReturnValue(NOW);
    await getAs(token, '/me', bindings);
    now.mockReturnValue(NOW + 4999);
    await getAs(token, '/me', bindings);
    expect(d1Calls()).toBe(1);
    now.mockReturnValue(NOW + 5001);
    await getAs(token, '/me', bindings);
    expect(d1Calls()).toBe(2);
  });

  it('does not cache that a token was not found', async () => {
    const { bindings } = caching();
    const token = await register(newName());
    const [row] = (
      await env.DB.prepare('SELECT * FROM authtoken_token WHERE key = ?').bind(token).all()
    ).results;
    await env.DB.prepare('DELETE FROM authtoken_token WHERE key = ?').bind(token).run();
    expect(await answer(await getAs(token, '/me', bindings))).toEqual(INVALID);
    await env.DB.prepare('INSERT INTO authtoken_token VALUES (?, ?, ?)')
      .bind(row?.key, row?.created, row?.user_id)
      .run();
    expect((await getAs(token, '/me', bindings)).status).toBe(200);
  });

  it.each([
    { what: 'a logout', method: 'POST', path: '/logout', body: {} },
    { what: 'a logout everywhere', method: 'POST', path: '/logoutall', body: {} },
    {
      what: 'a password change',
      method: 'POST',
      path: '/password',
      body: { current_password: 'pw', new_password: 'pw2' },
    },
    { what: 'a deletion', method: 'DELETE', path: '/me', body: { current_password: 'pw' } },
  ])(
    'invalidates a token at once after $what through the same isolate',
    async ({ method, path, body }) => {
      const { bindings } = caching();
      const token = await register(newName(), 'pw');
      const other = await register(newName(), 'pw');
      for (const each of [token, other]) await getAs(each, '/me', bindings);
      expect((await sendAs(token, method, path, body, bindings)).ok).toBe(true);
      expect(await answer(await getAs(token, '/me', bindings))).toEqual(INVALID);
      expect((await getAs(other, '/me', bindings)).status).toBe(200);
    },
  );

  it('shows a changed profile at once', async () => {
    const { bindings } = caching();
    const token = await register(newName());
    await getAs(token, '/me', bindings);
    await sendAs(token, 'PATCH', '/me', { first_name: 'Ada' }, bindings);
    expect(await answer(await getAs(token, '/me', bindings))).toMatchObject({
      body: { first_name: 'Ada' },
    });
  });

  it('sees a change by another isolate when the entry has expired', async () => {
    const { bindings } = caching();
    const token = await register(newName());
    const now = vi.spyOn(Date, 'now').mockReturnValue(NOW);
    await getAs(token, '/me', bindings);
    await sendAs(token, 'POST', '/logout');
    expect((await getAs(token, '/me', bindings)).status).toBe(200);
    now.mockReturnValue(NOW + 5001);
    expect((await getAs(token, '/me', bindings)).status).toBe(401);
  });

  it('does not cache a token that was deleted during the lookup', async () => {
    const token = await register(newName());
    const real = createStore(env.DB);
    const found = await real.findToken(token);
    const { promise: slow, resolve: respond } = Promise.withResolvers<typeof found>();
    const findToken = vi.fn(real.findToken).mockReturnValueOnce(slow);
    const store = withTokenCache({ ...real, findToken }, 5);

    const pending = store.findToken(token);
    await store.deleteToken(token);
    respond(found);
    expect(await pending).toBe(found);
    expect(await store.findToken(token)).toBeUndefined();
  });

  it('caches a token that was looked up while another one was renewed', async () => {
    const [token, other] = [await register(newName()), await register(newName())];
    const real = createStore(env.DB);
    const found = await real.findToken(token);
    const { promise: slow, resolve: respond } = Promise.withResolvers<typeof found>();
    const findToken = vi.fn(real.findToken).mockReturnValueOnce(slow);
    const store = withTokenCache({ ...real, findToken }, 5);

    const pending = store.findToken(token);
    await store.renewToken(other, '2026-01-01 00:00:00', '2026-01-02 00:00:00');
    respond(found);
    expect(await pending).toBe(found);
    expect(await store.findToken(token)).toBe(found);
    expect(findToken).toHaveBeenCalledTimes(1);
  });

  it('does not use the old entry while the request that changed the token still waits', async () => {
    const token = await register(newName());
    const real = createStore(env.DB);
    const made = Promise.withResolvers<void>();
    const reported = Promise.withResolvers<void>();
    const deleteToken = async (key: string) => {
      await real.deleteToken(key);
      made.resolve();
      await reported.promise;
    };
    const store = withTokenCache({ ...real, deleteToken }, 5);
    expect(await store.findToken(token)).toBeDefined();
    const change = store.deleteToken(token);
    await made.promise;
    expect(await store.findToken(token)).toBeUndefined();
    reported.resolve();
    await change;
  });

  it('does not cache a token that was looked up during a change', async () => {
    const token = await register(newName());
    const real = createStore(env.DB);
    const deleteToken = async (key: string) => {
      // Another request reads the token while this one waits for the database.
      await Promise.resolve();
      expect(await store.findToken(key)).toBeDefined();
      await real.deleteToken(key);
    };
    const store = withTokenCache({ ...real, deleteToken }, 5);
    await store.deleteToken(token);
    expect(await store.findToken(token)).toBeUndefined();
  });

  it('invalidates a token at once after a password reset', async () => {
    const { bindings } = withMailbox({ ...caching().bindings });
    const username = newName();
    const token = await register(username);
    expect((await getAs(token, '/me', bindings)).status).toBe(200);
    const reset = { ...(await linkFor(username)), new_password: 'new' };
    expect((await post('/users/reset_password_confirm', reset, bindings)).status).toBe(204);
    expect(await answer(await getAs(token, '/me', bindings))).toEqual(INVALID);
  });

  it('invalidates an expired token at once after the login that replaces it', async () => {
    const bindings = { ...caching().bindings, TOKEN_MAX_AGE_DAYS: '30' };
    const username = newName();
    const token = await register(username, 'pw');
    await env.DB.prepare("UPDATE authtoken_token SET created = '2020-01-01 00:00:00' WHERE key = ?")
      .bind(token)
      .run();
    await getAs(token, '/me', bindings);
    expect((await post('/login', { username, password: 'pw' }, bindings)).status).toBe(200);
    expect(await answer(await getAs(token, '/me', bindings))).toEqual(INVALID);
  });

  it('limits the number of entries', async () => {
    const real = createStore(env.DB);
    const found = await real.findToken(await register(newName()));
    const findToken = vi.fn(async () => found);
    const store = withTokenCache({ ...real, findToken }, 5);
    const tokens = 3 * MAX_TOKENS;
    for (let i = 0; i < tokens; i++) await store.findToken(`${i}`);
    // The newest entries are still cached. The oldest are not: at most twice MAX_TOKENS are kept.
    await store.findToken(`${tokens - MAX_TOKENS}`);
    expect(findToken).toHaveBeenCalledTimes(tokens);
    await store.findToken(`${tokens - 2 * MAX_TOKENS - 1}`);
    expect(findToken).toHaveBeenCalledTimes(tokens + 1);
  });

  it('rejects a cached token that has expired by age', async () => {
    const { bindings } = caching();
    const token = await register(newName());
    await env.DB.prepare("UPDATE authtoken_token SET created = '2020-01-01 00:00:00' WHERE key = ?")
      .bind(token)
      .run();
    const aging = { ...bindings, TOKEN_MAX_AGE_DAYS: '30' };
    await getAs(token, '/me', aging);
    expect(await answer(await getAs(token, '/me', aging))).toEqual({
      status: 401,
      body: { detail: 'Token has expired.' },
    });
  });

  it('is off by default', async () => {
    const token = await register(newName());
    await getAs(token);
    await env.DB.prepare('DELETE FROM authtoken_token WHERE key = ?').bind(token).run();
    const response = await getAs(token);
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ detail: 'Invalid token.' });
  });
});
