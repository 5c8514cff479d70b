/** Hashing in Durable Objects: the real ones, and some that fail in every way an object can. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { makePassword } from '../../src/auth/passwords/hashers.ts';
import type { Bindings } from '../../src/bindings.ts';
import { hashInObjects } from '../../src/hash-in-objects.ts';
import { answer, newName, post, register, sendAs, unthrottled } from '../helpers/client.ts';

const ITERATIONS = 1000;

type Objects = typeof env.PASSWORD_HASHER;

/** An object's calls, each by way of `around`, which decides what comes of it. */
function objectsWhoseCalls(around: (call: () => Promise<unknown>) => unknown): Objects {
  return new Proxy(env.PASSWORD_HASHER, {
    get(namespace, property: keyof Objects) {
      if (property !== 'get') return namespace[property].bind(namespace);
      return (id: DurableObjectId) => {
        const object = namespace.get(id);
        const call =
          (method: 'makePassword' | 'verifyPassword') =>
          (...args: unknown[]) =>
            around(() => Reflect.apply(object[method], object, args));
        return { makePassword: call('makePassword'), verifyPassword: call('verifyPassword') };
      };
    },
  });
}

let logs: MockInstance[];
beforeEach(() => {
  logs = [vi.spyOn(console, 'log'), vi.spyOn(console, 'error')];
  for (const log of logs) log.mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
});

describe('hashing in objects', () => {
  it('makes and checks passwords', async () => {
    const { makePassword, verifyPassword } = hashInObjects(env.PASSWORD_HASHER, ITERATIONS);
    const encoded = await makePassword('pässwörd');
    expect(encoded).toMatch(/^pbkdf2_sha256\$1000\$/);
    expect(await verifyPassword('pässwörd', encoded)).toEqual({
      isCorrect: true,
      mustUpdate: false,
    });
    expect(await verifyPassword('other', encoded)).toEqual({ isCorrect: false, mustUpdate: false });
    expect(await verifyPassword('pässwörd', undefined)).toEqual({
      isCorrect: false,
      mustUpdate: false,
    });
  });

  it('uses an object again once it is idle, and never one that is at work', async () => {
    const ids = vi.fn();
    const objects = new Proxy(env.PASSWORD_HASHER, {
      get(namespace, property: keyof Objects) {
        if (property !== 'newUniqueId') return namespace[property].bind(namespace);
        return () => {
          ids();
          return namespace.newUniqueId();
        };
      },
    });
    const hashing = hashInObjects(objects, ITERATIONS);
    const hash = () => hashing.makePassword('pw');
    await Promise.all([hash(), hash(), hash()]);
    expect(ids).toHaveBeenCalledTimes(3);
    await Promise.all([hash(), hash(), hash()]);
    await hash();
    expect(ids).toHaveBeenCalledTimes(3);
  });

  it('leaves no object behind that has stored anything', async () => {
    const ids: DurableObjectId[] = [];
    const objects = new Proxy(env.PASSWORD_HASHER, {
      get(namespace, property: keyof Objects) {
        if (property !== 'newUniqueId') return namespace[property].bind(namespace);
        return () => {
          const id = namespace.newUniqueId();
          ids.push(id);
          return id;
        };
      },
    });
    await hashInObjects(objects, ITERATIONS).makePassword('pw');
    const { runInDurableObject } = await import('cloudflare:test');
    for (const id of ids) {
      const stored = await runInDurableObject(env.PASSWORD_HASHER.get(id), (_, state) =>
        state.storage.list(),
      );
      expect(stored.size).toBe(0);
    }
    expect(ids).toHaveLength(1);
  });
});

const PASSWORD = 'Old-secret';
const NEW_PASSWORD = 'New-secret';

const UNAVAILABLE = {
  status: 503,
  body: { detail: 'Service temporarily unavailable, try again later.' },
};

const state = (username: string) =>
  env.DB.prepare(
    `SELECT u.password, u.first_name, t.key FROM auth_user u
       LEFT JOIN authtoken_token t ON t.user_id = u.id WHERE u.username = ?`,
  )
    .bind(username)
    .first();

type Act = (username: string, token: string, bindings: Bindings) => Promise<Response>;

const ROUTES: { route: string; act: Act }[] = [
  {
    route: 'POST /login',
    act: (username, _, bindings) => post('/login', { username, password: PASSWORD }, bindings),
  },
  {
    route: 'POST /api-token-auth',
    act: (username, _, bindings) =>
      post('/api-token-auth', { username, password: PASSWORD }, bindings),
  },
  {
    route: 'POST /login of a name that nobody has',
    act: (_, __, bindings) => post('/login', { username: newName(), password: PASSWORD }, bindings),
  },
  {
    route: 'POST /password',
    act: (_, token, bindings) => {
      const body = { current_password: PASSWORD, new_password: NEW_PASSWORD };
      return sendAs(token, 'POST', '/password', body, bindings);
    },
  },
  {
    route: 'DELETE /me',
    act: (_, token, bindings) =>
      sendAs(token, 'DELETE', '/me', { current_password: PASSWORD }, bindings),
  },
];

const FAULTS: { fault: string; around: Parameters<typeof objectsWhoseCalls>[0] }[] = [
  {
    fault: 'can’t be reached',
    around: () => Promise.reject(new Error('Network connection lost.')),
  },
  {
    fault: 'throws at once',
    around: () => {
      throw new TypeError('The object is broken.');
    },
  },
  {
    fault: 'is reset when its work is done',
    around: async (call) => {
      await call();
      throw new Error('Durable Object reset because its code was updated.');
    },
  },
  {
    fault: 'has too much to do',
    around: async () => ({ ok: false, error: { kind: 'unavailable' } }),
  },
  {
    fault: 'never answers',
    around: () => {
      queueMicrotask(() => vi.advanceTimersByTime(30_000));
      return new Promise(() => {});
    },
  },
];

describe.each(FAULTS)('where the object $fault', ({ fault, around }) => {
  const broken: Bindings = { ...unthrottled, PASSWORD_HASHER: objectsWhoseCalls(around) };

  it.each(ROUTES)('$route answers 503, and nothing has changed', async ({ act }) => {
    const username = newName();
    const token = await register(username, PASSWORD);
    const before = await state(username);
    if (fault === 'never answers') vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const response = await act(username, token, broken);
    vi.useRealTimers();
    expect(response.headers.get('Retry-After')).toBe('1');
    expect(await answer(response)).toEqual(UNAVAILABLE);
    expect(await state(username)).toEqual(before);
    // And it passes.
    const login = await post('/login', { username, password: PASSWORD });
    expect(await answer(login)).toEqual({ status: 200, body: { valid: true, token } });
    expect(logs.flatMap((log) => log.mock.calls.flat()).join('\n')).not.toMatch(
      /-secret|pbkdf2_|[0-9a-f]{40}/,
    );
  });

  it('POST /register answers 503, and there is no user', async () => {
    const username = newName();
    if (fault === 'never answers') vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const response = await post('/register', { username, password: PASSWORD }, broken);
    vi.useRealTimers();
    expect(await answer(response)).toEqual(UNAVAILABLE);
    expect(await state(username)).toBeNull();
    expect((await post('/register', { username, password: PASSWORD })).status).toBe(201);
  });
});

it('answers a login whose hash could not be upgraded, and upgrades it the next time', async () => {
  const username = newName();
  const token = await register(username, PASSWORD);
  const old = await makePassword(PASSWORD, 10);
  await env.DB.prepare('UPDATE auth_user SET password = ? WHERE username = ?')
    .bind(old, username)
    .run();
  let calls = 0;
  const objects = objectsWhoseCalls((call) => {
    if (++calls === 2) throw new Error('Network connection lost.');
    return call();
  });
  const login = (bindings?: Bindings) => post('/login', { username, password: PASSWORD }, bindings);
  const expected = { status: 200, body: { valid: true, token } };
  expect(await answer(await login({ ...unthrottled, PASSWORD_HASHER: objects }))).toEqual(expected);
  expect(calls).toBe(2);
  expect(await state(username)).toMatchObject({ password: old });
  expect(await answer(await login())).toEqual(expected);
  expect(await state(username)).not.toMatchObject({ password: old });
});

it('keeps what an object throws in its own log, without the password', async () => {
  vi.spyOn(crypto.subtle, 'deriveBits').mockRejectedValue(
    new DOMException('internal error', 'OperationError'),
  );
  const response = await post('/login', { username: newName(), password: PASSWORD });
  expect(await answer(response)).toEqual(UNAVAILABLE);
  const lines = logs.flatMap((log) => log.mock.calls.flat()).join('\n');
  expect(lines).toContain('"name":"OperationError"');
  expect(lines).not.toContain(PASSWORD);
});

it('hashes in the isolate itself where the binding is not there', async () => {
  const { PASSWORD_HASHER: _, ...alone } = unthrottled;
  const username = newName();
  const token = await register(username, PASSWORD, alone);
  const login = await post('/login', { username, password: PASSWORD }, alone);
  expect(await answer(login)).toEqual({ status: 200, body: { valid: true, token } });
});
