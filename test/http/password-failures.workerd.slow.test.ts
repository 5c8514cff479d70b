/** Failed logins to one account, counted exactly for all client addresses. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { makePassword } from '../../src/hashing/hashers.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { countPasswords } from '../../src/services/count-in-objects.ts';
import {
  answer,
  getAs,
  newName,
  post,
  register,
  send,
  sendAs,
  unthrottled,
} from '../helpers/client.ts';
import { interceptObjects } from '../helpers/intercept-objects.ts';
import { linkFor, withAllRoutes, withMailbox } from '../helpers/mailbox.ts';
import {
  LOGIN_PATHS,
  PASSWORD_ROUTES,
  passwordBody,
  pathToChange,
  withPath,
} from '../helpers/routes.ts';

const FREE_FAILURES = 10;
const MAX_FAILURES = 100;
const HOUR_MS = 3_600_000;

const counting: Bindings = { ...unthrottled, RATE_LIMIT_COUNTER: env.RATE_LIMIT_COUNTER };

let log: MockInstance;
let deriveBits: MockInstance;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  log = vi.spyOn(console, 'log').mockReturnValue();
  deriveBits = vi.spyOn(crypto.subtle, 'deriveBits');
});
afterEach(() => {
  vi.useRealTimers();
});

const events = () => log.mock.calls.map(([line]) => JSON.parse(String(line)));

const idOf = (username: string) =>
  env.DB.prepare('SELECT id FROM auth_user WHERE username = ?').bind(username).first<number>('id');

const passwordOf = (username: string) =>
  env.DB.prepare('SELECT password FROM auth_user WHERE username = ?')
    .bind(username)
    .first<string>('password');

const set = (username: string, column: string, value: string | number) =>
  env.DB.prepare(`UPDATE auth_user SET ${column} = ? WHERE username = ?`)
    .bind(value, username)
    .run();

/** Each login has its own client address. */
let addresses = 0;
const login = (username: string, password: string, path = '/login', bindings = counting) => {
  const address = `2001:db8:${(++addresses).toString(16)}::1`;
  const headers = { 'Content-Type': 'application/json', 'CF-Connecting-IP': address };
  return send(
    path,
    { method: 'POST', headers, body: JSON.stringify({ username, password }) },
    withPath(path, bindings),
  );
};

/** Counts this many failures without hashing, each as soon as an attempt is allowed. */
async function fail(username: string, times: number) {
  const stored = (await passwordOf(username)) ?? undefined;
  const { begin } = countPasswords(env.RATE_LIMIT_COUNTER);
  for (let i = 0; i < times; i++) {
    vi.setSystemTime(Date.now() + HOUR_MS);
    expect((await begin({ name: username, stored })).ok).toBe(true);
  }
}

const whole = async (response: Response) => ({
  status: response.status,
  headers: [...response.headers],
  body: await response.text(),
});

async function registered(username = newName(), password = 'pw') {
  const token = await register(username, password);
  deriveBits.mockClear();
  log.mockClear();
  return { username, token };
}

describe.each(LOGIN_PATHS)('POST %s', (path) => {
  it('checks ten of 200 simultaneous wrong passwords from 200 addresses', async () => {
    const { username } = await registered();
    const responses = await Promise.all(
      Array.from({ length: 200 }, (_, i) => login(username, `wrong ${i}`, path)),
    );
    const statuses = responses.map(({ status }) => status);
    const refused = statuses.filter((status) => status === 400 || status === 401);
    expect(refused).toHaveLength(FREE_FAILURES);
    expect(statuses.filter((status) => status === 429)).toHaveLength(200 - FREE_FAILURES);
    expect(deriveBits).toHaveBeenCalledTimes(FREE_FAILURES);
  });

  it('then refuses the right password without hashing and sends Retry-After', async () => {
    const { username } = await registered();
    await fail(username, FREE_FAILURES);
    const response = await login(username, 'pw', path);
    expect(response.headers.get('Retry-After')).toBe('30');
    expect(await answer(response)).toEqual({
      status: 429,
      body: { detail: 'Request was throttled. Expected available in 30 seconds.' },
    });
    vi.setSystemTime(Date.now() + 29_000);
    expect(await answer(await login(username, 'pw', path))).toEqual({
      status: 429,
      body: { detail: 'Request was throttled. Expected available in 1 second.' },
    });
    expect(deriveBits).not.toHaveBeenCalled();
    vi.setSystemTime(Date.now() + 1000);
    expect((await login(username, 'pw', path)).status).toBe(200);
  });

  it('refuses a password after a hundred failures until it is changed', async () => {
    const { username } = await registered();
    await fail(username, MAX_FAILURES);
    vi.setSystemTime(Date.now() + 1000 * HOUR_MS);
    const response = await login(username, 'pw', path);
    expect(response.headers.has('Retry-After')).toBe(false);
    expect(await answer(response)).toEqual({
      status: 429,
      body: { detail: 'Request was throttled.' },
    });
    expect(deriveBits).not.toHaveBeenCalled();
  });

  it.each([FREE_FAILURES, MAX_FAILURES])(
    'does not reveal after %i failures whether the user exists',
    async (failures) => {
      const { username } = await registered();
      const unknown = newName();
      const before = Date.now();
      await fail(username, failures);
      vi.setSystemTime(before);
      await fail(unknown, failures);
      const known = await whole(await login(username, 'pw', path));
      expect(known.status).toBe(429);
      expect(await whole(await login(unknown, 'pw', path))).toEqual(known);
    },
  );
});

describe('the count', () => {
  it('starts from zero after a successful login', async () => {
    const { username } = await registered();
    for (let i = 0; i < 3; i++) {
      for (let failure = 1; failure < FREE_FAILURES; failure++) {
        expect((await login(username, 'wrong')).status).toBe(401);
      }
      expect((await login(username, 'pw')).status).toBe(200);
    }
  });

  it('is not changed by successful logins', async () => {
    const { username } = await registered();
    for (let i = 0; i < 2 * FREE_FAILURES; i++) {
      expect((await login(username, 'pw')).status).toBe(200);
    }
  });

  it('is kept for the normal form of the username', async () => {
    const { username } = await registered();
    const fullwidth = username.replace('u', '\uFF55');
    for (let i = 0; i < FREE_FAILURES; i++) await login(fullwidth, 'wrong');
    expect((await login(username, 'pw')).status).toBe(429);
  });

  it('is shared by both login routes', async () => {
    const { username } = await registered();
    for (let i = 0; i < FREE_FAILURES; i++) await login(username, 'wrong', '/api-token-auth');
    expect((await login(username, 'pw', '/login')).status).toBe(429);
  });

  it('includes logins of an inactive user with the right password', async () => {
    const { username } = await registered();
    await set(username, 'is_active', 0);
    for (let i = 0; i < FREE_FAILURES; i++) {
      expect((await login(username, 'pw')).status).toBe(401);
    }
    expect((await login(username, 'pw')).status).toBe(429);
  });

  it('starts from zero after an operator sets a password', async () => {
    const { username } = await registered();
    await fail(username, MAX_FAILURES);
    await set(username, 'password', await makePassword('from the operator', 1000));
    expect((await login(username, 'from the operator')).status).toBe(200);
  });

  it('starts from zero after a reset, even to the same password', async () => {
    const { username } = await registered();
    await fail(username, MAX_FAILURES);
    const body = { ...(await linkFor(username)), new_password: 'pw' };
    const { bindings } = withMailbox(counting);
    expect((await post('/users/reset_password_confirm', body, bindings)).status).toBe(204);
    expect((await login(username, 'pw')).status).toBe(200);
  });

  it.each([FREE_FAILURES, MAX_FAILURES])(
    'of %i does not stop a user with a token, who can change the password',
    async (failures) => {
      const { username, token } = await registered();
      await fail(username, failures);
      expect((await getAs(token, '/me', counting)).status).toBe(200);
      const change = { current_password: 'pw', new_password: 'a new pw' };
      const changed = await sendAs(token, 'POST', '/password', change, counting);
      expect(changed.status).toBe(200);
      expect((await login(username, 'a new pw')).status).toBe(200);
    },
  );

  it('of a hundred does not stop a user with a token from deleting the account', async () => {
    const { username, token } = await registered();
    await fail(username, MAX_FAILURES);
    const body = { current_password: 'pw' };
    expect((await sendAs(token, 'DELETE', '/me', body, counting)).status).toBe(204);
  });
});

describe('wrong current passwords', () => {
  describe.each(PASSWORD_ROUTES)('of $method $path', (route) => {
    const change = async (token: string, password: string) => {
      const path = await pathToChange(route, token);
      return sendAs(token, route.method, path, passwordBody(password), withAllRoutes(counting));
    };

    it('are limited to ten per token; then the right password is also refused', async () => {
      const { username, token } = await registered();
      const responses = await Promise.all(
        Array.from({ length: 50 }, (_, i) => change(token, `wrong ${i}`)),
      );
      const statuses = responses.map(({ status }) => status);
      expect(statuses.filter((status) => status === 400)).toHaveLength(FREE_FAILURES);
      expect(statuses.filter((status) => status === 429)).toHaveLength(50 - FREE_FAILURES);
      deriveBits.mockClear();
      log.mockClear();
      expect((await change(token, 'pw')).status).toBe(429);
      expect(deriveBits).not.toHaveBeenCalled();
      const user_id = await idOf(username);
      // An event of an act of staff has the user of the act as user_id.
      const who = route.path.startsWith('/admin/') ? { by_user_id: user_id } : { user_id };
      const refusal = { event: 'throttled', scope: 'password-failures', ...who };
      expect(events()).toEqual([expect.objectContaining(refusal)]);
    });

    it('do not count as failed logins, and a new token starts from zero', async () => {
      const { username, token } = await registered();
      for (let i = 0; i < FREE_FAILURES; i++) await change(token, 'wrong');
      expect((await change(token, 'pw')).status).toBe(429);
      expect((await sendAs(token, 'POST', '/logout', undefined, counting)).status).toBe(204);
      const response = await login(username, 'pw');
      const { token: another } = await response.json<{ token: string }>();
      expect((await change(another, 'pw')).ok).toBe(true);
    });
  });

  it('start from zero after the right password', async () => {
    const { token } = await registered();
    const { bindings } = withMailbox({ ...counting, AUTH_PASSWORD_VALIDATORS: 'NumericPassword' });
    const change = (current_password: string) =>
      sendAs(token, 'POST', '/password', { current_password, new_password: '123' }, bindings);
    for (let i = 0; i < 2 * FREE_FAILURES; i++) expect((await change('pw')).status).toBe(400);
    for (let i = 0; i < FREE_FAILURES; i++) expect((await change('wrong')).status).toBe(400);
    expect((await change('pw')).status).toBe(429);
  });
});

describe('an attempt whose password could not be checked', () => {
  const broken: Bindings = {
    ...counting,
    PASSWORD_HASHER: interceptObjects(env.PASSWORD_HASHER, () =>
      Promise.reject(new Error('Network lost.')),
    ),
  };

  beforeEach(() => {
    vi.spyOn(console, 'error').mockReturnValue();
  });

  it('is not counted: a login succeeds as soon as passwords can be checked again', async () => {
    const { username } = await registered();
    for (let i = 0; i < 2 * FREE_FAILURES; i++) {
      expect((await login(username, 'pw', '/login', broken)).status).toBe(503);
    }
    expect((await login(username, 'pw')).status).toBe(200);
  });

  it('keeps the earlier failures', async () => {
    const { username } = await registered();
    for (let i = 0; i < FREE_FAILURES - 1; i++) await login(username, 'wrong');
    expect((await login(username, 'wrong', '/login', broken)).status).toBe(503);
    await login(username, 'wrong');
    expect((await login(username, 'pw')).status).toBe(429);
  });
});

describe('the log', () => {
  const refusal = { event: 'throttled', scope: 'password-failures' };

  it('has a line for each refused login, with the user if it exists', async () => {
    const { username } = await registered();
    const unknown = newName();
    for (const name of [username, unknown]) {
      await fail(name, FREE_FAILURES);
      await login(name, 'pw');
    }
    expect(events()).toEqual([
      expect.objectContaining({ ...refusal, user_id: await idOf(username) }),
      expect.objectContaining(refusal),
    ]);
    expect(events()[1]).not.toHaveProperty('user_id');
    expect(JSON.stringify(events())).not.toContain(unknown);
  });
});

describe('a Durable Object that fails', () => {
  it.each([
    { fault: 'cannot be reached', call: () => Promise.reject(new Error('Network lost.')) },
    {
      fault: 'does not respond',
      call: () => {
        queueMicrotask(() => vi.advanceTimersByTime(5000));
        return new Promise(() => {});
      },
    },
  ])('makes logins respond 503 without checking the password: $fault', async ({ call }) => {
    const errors = vi.spyOn(console, 'error').mockReturnValue();
    const { username } = await registered();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const bindings = {
      ...counting,
      RATE_LIMIT_COUNTER: interceptObjects(env.RATE_LIMIT_COUNTER, call),
    };
    const response = await login(username, 'pw', '/login', bindings);
    vi.useRealTimers();
    expect(response.headers.get('Retry-After')).toBe('1');
    expect(await answer(response)).toEqual({
      status: 503,
      body: { detail: 'Service temporarily unavailable, try again later.' },
    });
    expect(deriveBits).not.toHaveBeenCalled();
    const [line] = errors.mock.calls.flat();
    expect(JSON.parse(String(line))).toMatchObject({ event: 'rate-limit-unavailable' });
  });

  it('after the response does not change the result of a login', async () => {
    const errors = vi.spyOn(console, 'error').mockReturnValue();
    const { username } = await registered();
    const RATE_LIMIT_COUNTER = interceptObjects(env.RATE_LIMIT_COUNTER, (run, method) =>
      method === 'beginAttempt' ? run() : Promise.reject(new Error('Network lost.')),
    );
    const bindings = { ...counting, RATE_LIMIT_COUNTER };
    expect((await login(username, 'pw', '/login', bindings)).status).toBe(200);
    expect(errors.mock.calls.flat().join()).toContain('rate-limit-unavailable');
  });
});
