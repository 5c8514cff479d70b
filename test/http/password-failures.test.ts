/** Failed logins to one account, counted exactly over all addresses. */
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
import { linkFor, withMailbox } from '../helpers/mailbox.ts';

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

/** Each login comes from an address of its own. */
let addresses = 0;
const login = (username: string, password: string, path = '/login', bindings = counting) => {
  const address = `2001:db8:${(++addresses).toString(16)}::1`;
  const headers = { 'Content-Type': 'application/json', 'CF-Connecting-IP': address };
  return send(
    path,
    { method: 'POST', headers, body: JSON.stringify({ username, password }) },
    bindings,
  );
};

/** Fails so often, without the hashing, as soon as each attempt may be made. */
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

describe.each([
  { path: '/login', refused: 401 },
  { path: '/api-token-auth', refused: 400 },
])('POST $path', ({ path, refused }) => {
  it('checks ten of 200 wrong passwords that come at once from 200 addresses', async () => {
    const { username } = await registered();
    const responses = await Promise.all(
      Array.from({ length: 200 }, (_, i) => login(username, `wrong ${i}`, path)),
    );
    const statuses = responses.map(({ status }) => status);
    expect(statuses.filter((status) => status === refused)).toHaveLength(FREE_FAILURES);
    expect(statuses.filter((status) => status === 429)).toHaveLength(200 - FREE_FAILURES);
    expect(deriveBits).toHaveBeenCalledTimes(FREE_FAILURES);
  });

  it('refuses the right password, too, without hashing it, and says how long to wait', async () => {
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
    'does not tell after %i failures whether there is such a user',
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
  it('starts from zero after a login that succeeds', async () => {
    const { username } = await registered();
    for (let i = 0; i < 3; i++) {
      for (let failure = 1; failure < FREE_FAILURES; failure++) {
        expect((await login(username, 'wrong')).status).toBe(401);
      }
      expect((await login(username, 'pw')).status).toBe(200);
    }
  });

  it('is not touched by any number of logins that succeed', async () => {
    const { username } = await registered();
    for (let i = 0; i < 2 * FREE_FAILURES; i++) {
      expect((await login(username, 'pw')).status).toBe(200);
    }
  });

  it('is one of the name in its normal form', async () => {
    const { username } = await registered();
    const fullwidth = username.replace('u', '\uFF55');
    for (let i = 0; i < FREE_FAILURES; i++) await login(fullwidth, 'wrong');
    expect((await login(username, 'pw')).status).toBe(429);
  });

  it('is shared by both routes', async () => {
    const { username } = await registered();
    for (let i = 0; i < FREE_FAILURES; i++) await login(username, 'wrong', '/api-token-auth');
    expect((await login(username, 'pw', '/login')).status).toBe(429);
  });

  it('has the right password of an inactive user for a failure, as any other', async () => {
    const { username } = await registered();
    await set(username, 'is_active', 0);
    for (let i = 0; i < FREE_FAILURES; i++) {
      expect((await login(username, 'pw')).status).toBe(401);
    }
    expect((await login(username, 'pw')).status).toBe(429);
  });

  it('starts from zero once an operator has set a password', async () => {
    const { username } = await registered();
    await fail(username, MAX_FAILURES);
    await set(username, 'password', await makePassword('from the operator', 1000));
    expect((await login(username, 'from the operator')).status).toBe(200);
  });

  it('starts from zero once a link has set a password, even the same one', async () => {
    const { username } = await registered();
    await fail(username, MAX_FAILURES);
    const body = { ...(await linkFor(username)), new_password: 'pw' };
    const { bindings } = withMailbox(counting);
    expect((await post('/users/reset_password_confirm', body, bindings)).status).toBe(204);
    expect((await login(username, 'pw')).status).toBe(200);
  });

  it.each([FREE_FAILURES, MAX_FAILURES])(
    'of %i leaves a user with a token in peace, who can change the password',
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

  it('of a hundred lets a user with a token delete the account', async () => {
    const { username, token } = await registered();
    await fail(username, MAX_FAILURES);
    const body = { current_password: 'pw' };
    expect((await sendAs(token, 'DELETE', '/me', body, counting)).status).toBe(204);
  });
});

describe('wrong current passwords', () => {
  const changes = [
    { method: 'POST', path: '/password', body: { new_password: 'a new pw' } },
    { method: 'DELETE', path: '/me', body: {} },
  ];

  describe.each(changes)('of $method $path', ({ method, path, body }) => {
    const change = (token: string, current_password: string) =>
      sendAs(token, method, path, { ...body, current_password }, counting);

    it('are counted by the token: ten, and then the right one is not tried either', async () => {
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
      const refusal = { event: 'throttled', scope: 'password-failures', user_id };
      expect(events()).toEqual([expect.objectContaining(refusal)]);
    });

    it('are no failed logins, and another token starts from zero', async () => {
      const { username, token } = await registered();
      for (let i = 0; i < FREE_FAILURES; i++) await change(token, 'wrong');
      expect((await change(token, 'pw')).status).toBe(429);
      expect((await sendAs(token, 'POST', '/logout', undefined, counting)).status).toBe(204);
      const response = await login(username, 'pw');
      const { token: another } = await response.json<{ token: string }>();
      expect((await change(another, 'pw')).ok).toBe(true);
    });
  });

  it('start from zero after the right one', async () => {
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

  it('is no failure: a login succeeds as soon as passwords can be checked again', async () => {
    const { username } = await registered();
    for (let i = 0; i < 2 * FREE_FAILURES; i++) {
      expect((await login(username, 'pw', '/login', broken)).status).toBe(503);
    }
    expect((await login(username, 'pw')).status).toBe(200);
  });

  it('forgets no failure', async () => {
    const { username } = await registered();
    for (let i = 0; i < FREE_FAILURES - 1; i++) await login(username, 'wrong');
    expect((await login(username, 'wrong', '/login', broken)).status).toBe(503);
    await login(username, 'wrong');
    expect((await login(username, 'pw')).status).toBe(429);
  });
});

describe('the log', () => {
  const refusal = { event: 'throttled', scope: 'password-failures' };

  it('has a line for each login that is refused, with the user if there is one', async () => {
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

describe('an object that fails', () => {
  it.each([
    { fault: 'cannot be reached', call: () => Promise.reject(new Error('Network lost.')) },
    {
      fault: 'does not answer',
      call: () => {
        queueMicrotask(() => vi.advanceTimersByTime(5000));
        return new Promise(() => {});
      },
    },
  ])('since it $fault: no password is checked, 503', async ({ call }) => {
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

  it('after the response does not undo a login', async () => {
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
