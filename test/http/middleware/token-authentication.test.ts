/** The middleware in another app, with another function that finds a token. */
import { Hono } from 'hono';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Authenticated, authenticate, type FindToken } from '../../../src/auth/tokens.ts';
import { tokenAuthentication } from '../../../src/http/middleware/token-authentication.ts';
import { parseSettings } from '../../../src/settings.ts';
import { answer } from '../../helpers/client.ts';

const ada: Authenticated = {
  user: {
    id: 1,
    username: 'ada',
    first_name: 'Ada',
    last_name: 'Lovelace',
    email: '',
    is_staff: false,
    is_superuser: false,
    is_active: true,
  },
  token: { key: 'k', created: '2026-01-01 00:00:00' },
};
const bob: Authenticated = { ...ada, user: { ...ada.user, is_active: false } };

const lookedUp: string[] = [];
const findToken: FindToken = async (key) => {
  lookedUp.push(key);
  return key === 'ada' ? ada : key === 'bob' ? bob : undefined;
};

const settings = parseSettings({});

const app = new Hono()
  .use(
    '/rocks/*',
    tokenAuthentication({
      authenticate: (authorization) => authenticate(authorization, findToken, settings),
    }),
  )
  .get('/rocks/mine', (c) => c.json({ owner: c.var.user.username, key: c.var.auth.key }))
  .get('/open', (c) => c.text('open'));

const get = (authorization?: string, path = '/rocks/mine') =>
  app.request(
    path,
    authorization === undefined ? {} : { headers: { Authorization: authorization } },
  );

describe('tokenAuthentication', () => {
  it('sets the user and the token on the context', async () => {
    const response = await get('Token ada');
    expect(await answer(response)).toEqual({ status: 200, body: { owner: 'ada', key: 'k' } });
  });

  it('refuses a preflight that no CORS middleware has answered, and logs once what is missing', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const headers = { Origin: 'http://localhost:5173', 'Access-Control-Request-Method': 'GET' };
    for (let i = 0; i < 2; i++) {
      const response = await app.request('/rocks/mine', { method: 'OPTIONS', headers });
      expect(response.status).toBe(401);
    }
    expect(String(warn.mock.lastCall)).toContain('Put cors() of hono/cors before it.');
    await get();
    expect(warn).toHaveBeenCalledOnce();
  });

  it.each([
    [undefined, 'Authentication credentials were not provided.'],
    ['', 'Authentication credentials were not provided.'],
    ['Basic YTpi', 'Authentication credentials were not provided.'],
    ['Tokenada', 'Authentication credentials were not provided.'],
    ['Token', 'Invalid token header. No credentials provided.'],
    ['Token ', 'Invalid token header. No credentials provided.'],
    ['Token a b', 'Invalid token header. Token string should not contain spaces.'],
    ['Token \uFFFD', 'Invalid token header. Token string should not contain invalid characters.'],
    ['Token nobody', 'Invalid token.'],
    ['Token no\u00a0body', 'Invalid token.'],
    ['Token bob', 'User inactive or deleted.'],
  ])('responds to %j with 401 and DRF’s message', async (authorization, detail) => {
    const response = await get(authorization);
    expect(response.headers.get('WWW-Authenticate')).toBe('Token');
    expect(await answer(response)).toEqual({ status: 401, body: { detail } });
  });

  it.each(['token ada', 'TOKEN ada', 'Token\tada', 'Token  ada'])(
    'accepts %j',
    async (authorization) => {
      expect((await get(authorization)).status).toBe(200);
    },
  );

  it('requires another keyword of AUTH_HEADER_KEYWORD', async () => {
    const bearer = parseSettings({ AUTH_HEADER_KEYWORD: 'Bearer' });
    const protectedApp = new Hono()
      .use(
        tokenAuthentication({ authenticate: (header) => authenticate(header, findToken, bearer) }),
      )
      .get('/', (c) => c.json({ owner: c.var.user.username }));
    const as = (authorization: string) =>
      protectedApp.request('/', { headers: { Authorization: authorization } });
    for (const header of ['Bearer ada', 'bearer ada', 'BEARER\tada']) {
      expect(await answer(await as(header))).toEqual({ status: 200, body: { owner: 'ada' } });
    }
    for (const header of ['Token ada', 'Bearer nobody', 'Bearer', 'ada']) {
      const refused = await as(header);
      expect(refused.status).toBe(401);
      expect(refused.headers.get('WWW-Authenticate')).toBe('Bearer');
    }
  });

  it('looks up a key once, and only for a well-formed header', async () => {
    lookedUp.length = 0;
    await get('Token');
    await get('Bearer ada');
    await get('Token a b');
    expect(lookedUp).toEqual([]);
    await get('Token ada');
    expect(lookedUp).toEqual(['ada']);
  });

  it('accepts a token until it expires', async () => {
    const find: FindToken = async () => ada;
    const now = vi.spyOn(Date, 'now').mockReturnValue(Date.UTC(2026, 0, 31));
    const expiring = { ...settings, tokenMaxAgeDays: 30 };
    expect(await authenticate('Token k', find, expiring)).toEqual({ ok: true, value: ada });
    now.mockReturnValue(Date.UTC(2026, 0, 31) + 1);
    expect(await authenticate('Token k', find, expiring)).toEqual({
      ok: false,
      error: { kind: 'authentication-failed', reason: 'token-expired', keyword: 'Token' },
    });
  });

  it('responds that an inactive user is inactive, also if the token is expired', async () => {
    expect(
      await authenticate('Token k', async () => bob, { ...settings, tokenMaxAgeDays: 1 }),
    ).toEqual({
      ok: false,
      error: { kind: 'authentication-failed', reason: 'user-inactive', keyword: 'Token' },
    });
  });

  it('does not protect other routes', async () => {
    expect(await (await get(undefined, '/open')).text()).toBe('open');
  });
});
