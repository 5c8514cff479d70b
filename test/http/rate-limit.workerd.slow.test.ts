/** Rate limits with real Rate Limiting bindings. password-failures.workerd.slow.test.ts tests the exact counter. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../src/app.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import {
  answer,
  concretePath,
  newName,
  rateLimits,
  register,
  send,
  unthrottled,
} from '../helpers/client.ts';
import { linkFor, sendWithoutDelay, withAllRoutes, withMailbox } from '../helpers/mailbox.ts';
import {
  LOGIN_PATHS,
  PASSWORD_ROUTES,
  passwordBody,
  pathToChange,
  ROUTES,
  withPath,
} from '../helpers/routes.ts';
import { untilRoomInMinute } from '../helpers/until-room-in-minute.ts';

const LIMIT = 10;

/** Without the exact counter, which would also refuse some of these logins. */
const approximate = { ...unthrottled, ...rateLimits, RATE_LIMIT_COUNTER: undefined };

const THROTTLED = {
  status: 429,
  body: { detail: 'Request was throttled. Expected available in 60 seconds.' },
};

/** An address that no other test uses, because the counts stay between tests. */
let from: string;
let addresses = 0;
beforeEach(async () => {
  sendWithoutDelay();
  from = `192.0.2.${++addresses}`;
  await untilRoomInMinute();
});

const JSON_FROM = () => ({ 'Content-Type': 'application/json', 'CF-Connecting-IP': from });

const attempt = (path: string, body: unknown, headers = {}, bindings: Bindings = approximate) =>
  send(
    path,
    { method: 'POST', headers: { ...JSON_FROM(), ...headers }, body: JSON.stringify(body) },
    withPath(path, bindings),
  );

describe.each(LOGIN_PATHS)('POST %s', (path) => {
  it('refuses the eleventh attempt for a username, right or wrong, before hashing', async () => {
    const username = newName();
    await register(username, 'pw');
    for (let i = 0; i < LIMIT; i++) {
      expect((await attempt(path, { username, password: 'no' })).status).not.toBe(429);
    }
    const deriveBits = vi.spyOn(crypto.subtle, 'deriveBits');
    const response = await attempt(
      path,
      { username, password: 'pw' },
      { Origin: 'http://localhost:5173' },
    );
    expect(response.headers.get('Retry-After')).toBe('60');
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('http://localhost:5173');
    expect(response.headers.get('Access-Control-Expose-Headers')).toContain('Retry-After');
    expect(await answer(response)).toEqual(THROTTLED);
    expect(deriveBits).not.toHaveBeenCalled();
  });

  it('counts the normal form of a username, so other spellings do not give more attempts', async () => {
    const username = newName();
    for (let i = 0; i < LIMIT; i++) await attempt(path, { username, password: 'no' });
    const fullwidth = username.replace('u', '\uFF55');
    expect(
      await answer(await attempt(path, { username: ` ${fullwidth}`, password: 'no' })),
    ).toEqual(THROTTLED);
  });

  it('accepts other usernames and other addresses', async () => {
    const [username, other] = [newName(), newName()];
    await register(username, 'pw');
    await register(other, 'pw');
    for (let i = 0; i <= LIMIT; i++) await attempt(path, { username, password: 'no' });
    expect((await attempt(path, { username: other, password: 'pw' })).status).toBe(200);
    from = `198.51.100.${addresses}`;
    expect((await attempt(path, { username, password: 'pw' })).status).toBe(200);
  });

  it('ignores X-Forwarded-For', async () => {
    const username = newName();
    for (let i = 0; i < LIMIT; i++) {
      await attempt(path, { username, password: 'no' }, { 'X-Forwarded-For': `203.0.113.${i}` });
    }
    const headers = { 'X-Forwarded-For': '203.0.113.99' };
    expect((await attempt(path, { username, password: 'no' }, headers)).status).toBe(429);
  });
});

describe('a hundred logins from one address with different usernames', () => {
  const ADDRESS_LIMIT = 100;
  let usedUp: { address: string; minute: number } | undefined;

  /** Continues from an address with a hundred logins in this minute. The first test of it sends them. */
  const fromUsedUpAddress = async () => {
    const minute = Math.floor(Date.now() / 60_000);
    if (usedUp?.minute !== minute) {
      for (let i = 0; i < ADDRESS_LIMIT; i++) {
        const guess = await attempt('/login', { username: newName(), password: 'no' });
        expect(guess.status).toBe(401);
      }
      usedUp = { address: from, minute };
    }
    from = usedUp.address;
  };

  it.each(LOGIN_PATHS)('use up the limit of POST %s, which then hashes nothing', async (path) => {
    await fromUsedUpAddress();
    const deriveBits = vi.spyOn(crypto.subtle, 'deriveBits');
    const body = { username: newName(), email: 'a@b.example', password: 'no' };
    const response = await attempt(path, body);
    expect(response.headers.get('Retry-After')).toBe('60');
    expect(await answer(response)).toEqual(THROTTLED);
    expect(deriveBits).not.toHaveBeenCalled();
  });

  it.each(PASSWORD_ROUTES)('use up the limit of $method $path', async (route) => {
    const token = await register(newName(), 'pw');
    const path = await pathToChange(route, token);
    await fromUsedUpAddress();
    const headers = { ...JSON_FROM(), Authorization: `Token ${token}` };
    const init = { method: route.method, headers, body: JSON.stringify(passwordBody('pw')) };
    expect(await answer(await send(path, init, withAllRoutes(approximate)))).toEqual(THROTTLED);
  });

  it('do not limit ten usernames from ten other addresses', async () => {
    await fromUsedUpAddress();
    for (let i = 0; i < 10; i++) {
      from = `203.0.113.${addresses * 10 + i}`;
      const username = newName();
      await register(username, 'pw');
      expect((await attempt('/login', { username, password: 'pw' })).status).toBe(200);
    }
  });
});

it.each([
  ...PASSWORD_ROUTES.map((route) => ({ ...route, what: 'right', rest: {} })),
  // djoser checks the password beside the other fields.
  ...PASSWORD_ROUTES.filter(({ path }) => path.startsWith('/users/set_')).map((route) => ({
    ...route,
    what: 'blank',
    rest: { new_password: '', new_username: '' },
  })),
])(
  '$method $path, other fields $what, counts as a login of the user',
  async ({ rest, ...route }) => {
    const token = await register(newName(), 'pw');
    const path = await pathToChange(route, token);
    const ask = () => {
      const headers = { ...JSON_FROM(), Authorization: `Token ${token}` };
      const init = {
        method: route.method,
        headers,
        body: JSON.stringify(passwordBody('no', rest)),
      };
      return send(path, init, withAllRoutes(approximate));
    };
    for (let i = 0; i < LIMIT; i++) expect((await ask()).status).toBe(400);
    expect(await answer(await ask())).toEqual(THROTTLED);
  },
);

it('POST /register accepts sixty users from one address (a classroom), then responds 429', async () => {
  for (let i = 0; i < 60; i++) {
    expect((await attempt('/register', { username: newName(), password: 'pw' })).status).toBe(201);
  }
  const response = await attempt('/register', { username: newName(), password: 'pw' });
  expect(response.headers.get('Retry-After')).toBe('60');
  expect(await answer(response)).toEqual(THROTTLED);
});

describe('requests that send or use links', () => {
  const LINK_LIMIT = 5;
  const MAIL_ADDRESS_LIMIT = 30;
  const verifying = withMailbox({ ...approximate, EMAIL_VERIFICATION: 'required' }).bindings;
  const ask = (email: string) => attempt('/users/reset_password', { email }, {}, verifying);
  const aUid = () => btoa(newName().replace('user', '7777')).replace(/=+$/, '');
  let tokens = 0;
  const confirm = (uid: string) => {
    const body = { uid, token: `${++tokens}`, new_password: 'pw' };
    return attempt('/users/reset_password_confirm', body, {}, verifying);
  };

  it('are limited per address, for all users', async () => {
    for (let i = 0; i < MAIL_ADDRESS_LIMIT; i++) {
      expect((await ask(`${newName()}@example.com`)).status).toBe(204);
    }
    expect(await answer(await ask(`${newName()}@example.com`))).toEqual(THROTTLED);
    expect(await answer(await confirm('MQ'))).toEqual(THROTTLED);
    const activate = { uid: 'MQ', token: 'x' };
    const activation = await attempt('/users/activation', activate, {}, verifying);
    expect(await answer(activation)).toEqual(THROTTLED);
    const email = `${newName()}@example.com`;
    const resend = await attempt('/users/resend_activation', { email }, {}, verifying);
    expect(await answer(resend)).toEqual(THROTTLED);
    const registration = { username: newName(), password: 'pw', email };
    const registered = await attempt('/register', registration, {}, verifying);
    expect(await answer(registered)).toEqual(THROTTLED);
  });

  it('are limited per address for guesses of one user’s links', async () => {
    const uid = aUid();
    for (let i = 0; i < LINK_LIMIT; i++) expect((await confirm(uid)).status).toBe(400);
    expect(await answer(await confirm(uid))).toEqual(THROTTLED);
    const activation = await attempt('/users/activation', { uid, token: 'x' }, {}, verifying);
    expect(await answer(activation)).toEqual(THROTTLED);
    expect((await confirm(aUid())).status).toBe(400);
  });

  it('are limited for the owner of a link separately from other addresses', async () => {
    const username = newName();
    await register(username, 'pw');
    const link = await linkFor(username);
    for (let i = 0; i <= LINK_LIMIT; i++) await confirm(link.uid);
    expect(await answer(await confirm(link.uid))).toEqual(THROTTLED);
    from = `198.51.100.${addresses}`;
    const body = { ...link, new_password: 'another pw' };
    const confirmed = await attempt('/users/reset_password_confirm', body, {}, verifying);
    expect(confirmed.status).toBe(204);
  });
});

describe('a change of the address', () => {
  const { bindings } = withMailbox(approximate);

  it('counts as a login, because it requires the password; other changes do not', async () => {
    const token = await register(newName(), 'pw');
    const patch = async (body: object) => {
      const headers = { ...JSON_FROM(), Authorization: `Token ${token}` };
      return send('/me', { method: 'PATCH', headers, body: JSON.stringify(body) }, bindings);
    };
    const change = () => patch({ email: `${newName()}@example.com`, current_password: 'pw' });
    for (let i = 0; i < LIMIT; i++) expect((await change()).status).toBe(200);
    expect(await answer(await change())).toEqual(THROTTLED);
    expect((await patch({ first_name: 'Ann' })).status).toBe(200);
  });
});

describe('a request without a valid token', () => {
  const refused: RateLimit = { limit: async () => ({ success: false }) };
  const refusing = {
    LOGIN_ADDRESS_LIMIT: refused,
    REGISTER_LIMIT: refused,
    MAIL_ADDRESS_LIMIT: refused,
  };
  const bindings = withAllRoutes(refusing);
  const routes = ROUTES.filter(({ bodySchema }) => bodySchema !== undefined);

  it.each(routes)('to $method $path is refused before its body is read', async (route) => {
    const { method, path, access } = route;
    const isRead = vi.fn();
    const body = new ReadableStream({ pull: isRead }, { highWaterMark: 0 });
    const headers = { ...JSON_FROM(), Authorization: 'Token unknown' };
    const response = await send(concretePath(path), { method, headers, body }, bindings);
    expect(response.status).toBe(access.requiresUser || access.acceptsUser ? 401 : 429);
    expect(isRead).not.toHaveBeenCalled();
  });

  /** By the limit of the route, as in wrangler.toml. */
  const LIMITS = { 'login-address': 100, register: 60, 'mail-address': 30 };

  it.each(
    routes.flatMap(({ path, access: { requiresUser, rateLimit } }) =>
      rateLimit && !requiresUser ? [{ path, limit: LIMITS[rateLimit] }] : [],
    ),
  )(
    'to $path counts if its body is invalid: $limit pass, and five more are refused',
    async (route) => {
      const bindings = withAllRoutes(approximate);
      const statuses: number[] = [];
      for (let i = 0; i < route.limit + 5; i++) {
        statuses.push((await attempt(route.path, {}, {}, bindings)).status);
      }
      expect(statuses.filter((status) => status === 400)).toHaveLength(route.limit);
      expect(statuses.filter((status) => status === 429)).toHaveLength(5);
    },
  );
});

it('addresses of one IPv6 /64 share a count, and the next /64 has its own', async () => {
  const username = newName();
  const network = `2001:db8:${addresses.toString(16)}`;
  const login = async (address: string) => {
    from = address;
    return (await attempt('/login', { username, password: 'no' })).status;
  };
  const statuses: number[] = [];
  for (let i = 0; i < 24; i++) statuses.push(await login(`${network}:0:${i}::${i}`));
  expect(statuses.filter((status) => status === 401)).toHaveLength(LIMIT);
  expect(statuses.filter((status) => status === 429)).toHaveLength(24 - LIMIT);
  expect(await login(`${network}:1::1`)).toBe(401);
});

it('IPv4 addresses are counted separately, also in IPv6 notation', async () => {
  const username = newName();
  const login = async (address: string) => {
    from = address;
    return (await attempt('/login', { username, password: 'no' })).status;
  };
  for (let i = 0; i < LIMIT; i++) expect(await login('::ffff:192.0.2.201')).toBe(401);
  expect(await login('192.0.2.201')).toBe(429);
  expect(await login('::FFFF:C000:2C9')).toBe(429);
  expect(await login('::ffff:192.0.2.202')).toBe(401);
});

it('logs one warning per missing binding and limits nothing', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const { bindings } = withMailbox({ EMAIL_VERIFICATION: 'required' });
  const app = createApp();
  const email = 'meg@example.com';
  const ask = async (path: string, body: object) => {
    const ctx = createExecutionContext();
    const init = { method: 'POST', headers: JSON_FROM(), body: JSON.stringify(body) };
    const response = await app.request(path, init, bindings, ctx);
    await waitOnExecutionContext(ctx);
    return response.status;
  };
  for (let i = 0; i <= LIMIT; i++) {
    const username = newName();
    expect(await ask('/register', { username, password: 'pw', email })).toBe(201);
    expect(await ask('/login', { username: 'meg', password: 'no' })).toBe(401);
    const { uid } = await linkFor(username);
    expect(await ask('/users/activation', { uid, token: 'x' })).toBe(400);
  }
  const events = warn.mock.calls.map(([line]) => JSON.parse(String(line)));
  expect(events).toEqual(
    [
      ['register', 'REGISTER_LIMIT', 'registrations from one address'],
      ['mail-address', 'MAIL_ADDRESS_LIMIT', 'e-mail requests from one address'],
      ['message', 'RATE_LIMIT_COUNTER', 'messages to one recipient'],
      ['login-address', 'LOGIN_ADDRESS_LIMIT', 'logins from one address'],
      ['login', 'LOGIN_LIMIT', 'logins to one account from one address'],
      [
        'password-failures',
        'RATE_LIMIT_COUNTER',
        'wrong passwords of one account from all addresses',
      ],
      ['link', 'MAIL_LIMIT', 'attempts at one user’s links from one address'],
    ].map(([scope, binding, counts]) => ({
      event: 'not-throttled',
      scope,
      message: `${binding} is not bound: ${counts} are not limited.`,
    })),
  );
});
