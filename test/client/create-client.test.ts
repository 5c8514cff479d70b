/** `createClient`, asking this very Worker. */
import { exports } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClient } from '../../src/client/create-client.ts';
import { newName } from '../helpers/client.ts';

const URL_ = 'http://localhost:8000';
const PASSWORD = 'correct horse';

beforeEach(() => {
  vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) =>
    exports.default.fetch(input, init),
  );
});
afterEach(() => vi.restoreAllMocks());

describe('createClient', () => {
  it('registers, and is then who it registered', async () => {
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

  it('keeps the token where it is told to, a new one in the old one’s place', async () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    };
    const auth = createClient(URL_, storage);
    await auth.register({ username: newName(), password: PASSWORD });
    const old = kept.get('token');
    await auth.changePassword({ current_password: PASSWORD, new_password: 'a better one' });
    expect(kept.get('token')).toMatch(/^[0-9a-f]{40}$/);
    expect(kept.get('token')).not.toBe(old);
    expect(await createClient(URL_, storage).logout()).toEqual({ ok: true, data: null });
    expect(kept.size).toBe(0);
    expect(await auth.me()).toEqual({
      ok: false,
      status: 401,
      detail: 'Authentication credentials were not provided.',
      errors: {},
    });
  });

  it('has one shape for each way in which DRF says no', async () => {
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
    ['nothing', () => Promise.reject(new TypeError('fetch failed'))],
    ['a page of a proxy', async () => new Response('<h1>Bad gateway</h1>', { status: 502 })],
  ])('tells of no answer where it gets %s', async (_, answer) => {
    vi.mocked(fetch).mockImplementation(answer);
    expect(await createClient(URL_).me()).toEqual({
      ok: false,
      status: 0,
      detail: 'No answer.',
      errors: {},
    });
  });

  it.each(['resetPassword', 'resendActivation'] as const)(
    '%s asks for the links of an address, or of one user',
    async (ask) => {
      const bodies: unknown[] = [];
      vi.mocked(fetch).mockImplementation(async (_, init) => {
        bodies.push(JSON.parse(String(init?.body)));
        return new Response(null, { status: 204 });
      });
      const auth = createClient(URL_);
      const email = 'meg@example.com';
      expect(await auth[ask](email)).toEqual({ ok: true, data: null });
      expect(await auth[ask](email, 'meg')).toEqual({ ok: true, data: null });
      expect(bodies).toEqual([{ email }, { email, username: 'meg' }]);
    },
  );

  it('deletes its user, and forgets the token', async () => {
    const auth = createClient(URL_);
    await auth.register({ username: newName(), password: PASSWORD });
    expect(await auth.deleteMe({ current_password: PASSWORD })).toEqual({ ok: true, data: null });
    expect(await auth.me()).toMatchObject({ ok: false, status: 401 });
  });
});
