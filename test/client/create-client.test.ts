/** `createClient` with requests to this Worker. */
import { exports } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClient } from '../../src/client/create-client.ts';
import { newName, send, unthrottled } from '../helpers/client.ts';

const URL_ = 'http://localhost:8000';
const PASSWORD = 'correct horse';

beforeEach(() => {
  vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) =>
    exports.default.fetch(input, init),
  );
});
afterEach(() => vi.restoreAllMocks());

describe('createClient', () => {
  it('registers a user and is then authenticated as that user', async () => {
    const auth = createClient(URL_);
    const username = newName();
    const registered = await auth.register({ username, password: PASSWORD });
    expect(registered).toMatchObject({ ok: true, data: { token: expect.any(String) } });
    expect(await auth.me()).toMatchObject({ ok: true, data: { username } });
    expect(await auth.updateMe({ first_name: 'Meg' })).toMatchObject({
      ok: true,
      data: { first_name: 'Meg' },
    });
  });

  it('sends the token after another keyword', async () => {
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) =>
      send(new URL(String(input)).pathname, init, {
        ...unthrottled,
        AUTH_HEADER_KEYWORD: 'Bearer',
      }),
    );
    const items = new Map<string, string>();
    const storage = {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => items.set(key, value),
      removeItem: (key: string) => items.delete(key),
    };
    const username = newName();
    const auth = createClient(URL_, storage, 'Bearer');
    await auth.register({ username, password: PASSWORD });
    expect(await auth.me()).toMatchObject({ ok: true, data: { username } });
    expect(await createClient(URL_, storage).me()).toMatchObject({ ok: false, status: 401 });
  });

  it('keeps the token in the given storage and replaces it by a new one', async () => {
    const items = new Map<string, string>();
    const storage = {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => items.set(key, value),
      removeItem: (key: string) => items.delete(key),
    };
    const auth = createClient(URL_, storage);
    await auth.register({ username: newName(), password: PASSWORD });
    const oldToken = items.get('token');
    await auth.changePassword({ current_password: PASSWORD, new_password: 'a better one' });
    expect(items.get('token')).toMatch(/^[0-9a-f]{40}$/);
    expect(items.get('token')).not.toBe(oldToken);
    expect(await createClient(URL_, storage).logout()).toEqual({ ok: true, data: null });
    expect(items.size).toBe(0);
    expect(await auth.me()).toEqual({
      ok: false,
      status: 401,
      detail: 'Authentication credentials were not provided.',
      errors: {},
    });
  });

  it('returns all of DRF’s error formats in one shape', async () => {
    const auth = createClient(URL_);
    const blank = 'This field may not be blank.';
    expect(await auth.register({ username: '', password: PASSWORD })).toEqual({
      ok: false,
      status: 400,
      detail: blank,
      errors: { username: [blank] },
    });
    expect(await auth.login({ username: newName(), password: 'no' })).toEqual({
      ok: false,
      status: 401,
      detail: 'Unable to log in with provided credentials.',
      errors: {},
    });
  });

  it.each([
    ['there is no response', () => Promise.reject(new TypeError('fetch failed'))],
    ['a proxy responds in HTML', async () => new Response('<h1>Bad gateway</h1>', { status: 502 })],
  ])('returns a failure with status 0 if %s', async (_, respond) => {
    vi.mocked(fetch).mockImplementation(respond);
    expect(await createClient(URL_).me()).toEqual({
      ok: false,
      status: 0,
      detail: 'No valid response.',
      errors: {},
    });
  });

  it.each(['resetPassword', 'resendActivation'] as const)(
    '%s requests the links of an address, or of one user',
    async (requestLinks) => {
      const bodies: unknown[] = [];
      vi.mocked(fetch).mockImplementation(async (_, init) => {
        bodies.push(JSON.parse(String(init?.body)));
        return new Response(null, { status: 204 });
      });
      const auth = createClient(URL_);
      const email = 'meg@example.com';
      expect(await auth[requestLinks](email)).toEqual({ ok: true, data: null });
      expect(await auth[requestLinks](email, 'meg')).toEqual({ ok: true, data: null });
      expect(bodies).toEqual([{ email }, { email, username: 'meg' }]);
    },
  );

  describe('with a token for each device', () => {
    /** Two clients of one user. */
    async function twoDevices() {
      vi.mocked(fetch).mockImplementation(async (input, init) =>
        send(new URL(String(input)).pathname, init, {
          ...unthrottled,
          TOKEN_MODEL: 'knox.AuthToken',
        }),
      );
      const [laptop, phone] = [createClient(URL_), createClient(URL_)];
      const username = newName();
      await laptop.register({ username, password: PASSWORD });
      await phone.login({ username, password: PASSWORD });
      return { laptop, phone };
    }

    it('lists the devices and logs one of them out', async () => {
      const { laptop, phone } = await twoDevices();
      const tokens = await laptop.tokens();
      if (!tokens.ok) throw new Error(tokens.detail);
      expect(tokens.data.map(({ is_current }) => is_current)).toEqual([true, false]);
      const other = tokens.data.find(({ is_current }) => !is_current);
      expect(await laptop.deleteToken(other?.id ?? '')).toEqual({ ok: true, data: null });
      expect(await phone.me()).toMatchObject({ ok: false, status: 401 });
      expect(await laptop.me()).toMatchObject({ ok: true });
      expect(await laptop.deleteToken('../me')).toEqual({
        ok: false,
        status: 404,
        detail: 'Not found.',
        errors: {},
      });
    });

    it('logs all devices out and removes the token', async () => {
      const { laptop, phone } = await twoDevices();
      expect(await laptop.logoutAll()).toEqual({ ok: true, data: null });
      expect(await phone.me()).toMatchObject({ status: 401, detail: 'Invalid token.' });
      expect(await laptop.me()).toMatchObject({
        status: 401,
        detail: 'Authentication credentials were not provided.',
      });
    });
  });

  it('deletes its user and removes the token', async () => {
    const auth = createClient(URL_);
    await auth.register({ username: newName(), password: PASSWORD });
    expect(await auth.deleteMe({ current_password: PASSWORD })).toEqual({ ok: true, data: null });
    expect(await auth.me()).toMatchObject({ ok: false, status: 401 });
  });
});
