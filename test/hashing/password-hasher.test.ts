/** Hashing in Durable Objects: real objects, and objects that fail in every possible way. */
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { createDurableObjectHasher } from '../../src/hashing/durable-object-hasher.ts';
import { makePassword } from '../../src/hashing/hashers.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { answer, newName, post, register, send, sendAs, unthrottled } from '../helpers/client.ts';

const ITERATIONS = 1000;

type Objects = typeof env.PASSWORD_HASHER;

/** Objects whose calls go through `around`, which decides their result. */
function interceptedObjects(around: (call: () => Promise<unknown>) => unknown): Objects {
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

/** The real objects, and the ids that have been created. */
function countedObjects() {
  const created: DurableObjectId[] = [];
  const objects = new Proxy(env.PASSWORD_HASHER, {
    get(namespace, property: keyof Objects) {
      if (property !== 'newUniqueId') return namespace[property].bind(namespace);
      return () => {
        const id = namespace.newUniqueId();
        created.push(id);
        return id;
      };
    },
  });
  return { objects, created };
}

/**
 * Objects that respond only when the test resolves the call. Lists each call with its object's id.
 */
function heldObjects() {
  type Call = {
    id: string;
    args: unknown[];
    respond: (result: unknown) => void;
    fail: (error: Error) => void;
  };
  const calls: Call[] = [];
  const objects = new Proxy(env.PASSWORD_HASHER, {
    get(namespace, property: keyof Objects) {
      if (property !== 'get') return namespace[property].bind(namespace);
      return (id: DurableObjectId) => {
        const call = (...args: unknown[]) => {
          const { promise, resolve, reject } = Promise.withResolvers<unknown>();
          calls.push({ id: id.toString(), args, respond: resolve, fail: reject });
          return promise;
        };
        return { makePassword: call, verifyPassword: call };
      };
    },
  });
  const callsByObject = () => Object.groupBy(calls, ({ id }) => id);
  const loads = () => Object.values(callsByObject()).map((group) => group?.length);
  return { objects, calls, loads };
}

let logs: MockInstance[];
beforeEach(() => {
  logs = [vi.spyOn(console, 'log'), vi.spyOn(console, 'error')];
  for (const log of logs) log.mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
});

describe('hashing in Durable Objects', () => {
  it('encodes and verifies passwords', async () => {
    const { makePassword, verifyPassword } = createDurableObjectHasher(
      env.PASSWORD_HASHER,
      ITERATIONS,
    )();
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

  it('reuses an idle object, and creates one if none is idle', async () => {
    const { objects, created } = countedObjects();
    const hashing = createDurableObjectHasher(objects, ITERATIONS)();
    const hash = () => hashing.makePassword('pw');
    await Promise.all([hash(), hash(), hash()]);
    expect(created).toHaveLength(3);
    await Promise.all([hash(), hash(), hash()]);
    await hash();
    expect(created).toHaveLength(3);
  });

  it('stores nothing in the objects', async () => {
    const { objects, created } = countedObjects();
    await createDurableObjectHasher(objects, ITERATIONS)().makePassword('pw');
    const { runInDurableObject } = await import('cloudflare:test');
    for (const id of created) {
      const stored = await runInDurableObject(env.PASSWORD_HASHER.get(id), (_, state) =>
        state.storage.list(),
      );
      expect(stored.size).toBe(0);
    }
    expect(created).toHaveLength(1);
  });
});

describe('the pool of objects', () => {
  const HASH = { ok: true, value: 'a hash' };

  it('has at most eight objects, each with the same number of calls', async () => {
    const { objects, calls, loads } = heldObjects();
    const hashing = createDurableObjectHasher(objects, ITERATIONS)();
    const hashes = Array.from({ length: 2000 }, () => hashing.makePassword('pw'));
    expect(loads()).toEqual(Array(8).fill(250));
    for (const { respond } of calls) respond(HASH);
    expect(new Set(await Promise.all(hashes))).toEqual(new Set(['a hash']));
  });

  it('assigns a call to the object with the fewest calls', async () => {
    const { objects, calls } = heldObjects();
    const hashing = createDurableObjectHasher(objects, ITERATIONS)();
    const hashes = Array.from({ length: 16 }, () => hashing.makePassword('pw'));
    calls[5]?.respond(HASH);
    await hashes[5];
    hashes.push(hashing.makePassword('pw'));
    expect(calls[16]?.id).toBe(calls[5]?.id);
    for (const { respond } of calls) respond(HASH);
    await Promise.all(hashes);
  });

  it.each([
    { what: 'fails', end: () => undefined, message: 'did not respond' },
    {
      what: 'does not respond for 30 seconds',
      end: () => vi.advanceTimersByTime(30_000),
      message: 'did not respond',
    },
  ])('replaces an object that $what', async ({ end, message }) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const { objects, calls } = heldObjects();
    const hashing = createDurableObjectHasher(objects, ITERATIONS)();
    const broken = hashing.makePassword('pw');
    if (end() === undefined) calls[0]?.fail(new Error('Network connection lost.'));
    await expect(broken).rejects.toThrow(message);
    const hash = hashing.makePassword('pw');
    expect(calls[1]?.id).not.toBe(calls[0]?.id);
    calls[1]?.respond(HASH);
    expect(await hash).toBe('a hash');
  });

  it('keeps an object that could not hash', async () => {
    const { objects, calls } = heldObjects();
    const hashing = createDurableObjectHasher(objects, ITERATIONS)();
    const refused = hashing.makePassword('pw');
    calls[0]?.respond({ ok: false, error: { kind: 'unavailable' } });
    await expect(refused).rejects.toThrow('could not hash');
    const hash = hashing.makePassword('pw');
    expect(calls[1]?.id).toBe(calls[0]?.id);
    calls[1]?.respond(HASH);
    await hash;
  });

  it('stops counting a call whose request was cancelled', async () => {
    // A cancelled request has no timers, and its call never ends.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const { objects, calls } = heldObjects();
    const hashing = createDurableObjectHasher(objects, ITERATIONS)();
    // The first object gets two of these calls.
    for (let i = 0; i < 9; i++) void hashing.makePassword('pw');
    vi.clearAllTimers();
    vi.setSystemTime(Date.now() + 30_001);
    const hash = hashing.makePassword('pw');
    expect(calls[9]?.id).toBe(calls[0]?.id);
    calls[9]?.respond(HASH);
    await hash;
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
    route: 'POST /login of an unknown name',
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

const FAULTS: { fault: string; around: Parameters<typeof interceptedObjects>[0] }[] = [
  {
    fault: 'cannot be reached',
    around: () => Promise.reject(new Error('Network connection lost.')),
  },
  {
    fault: 'throws immediately',
    around: () => {
      throw new TypeError('The object is broken.');
    },
  },
  {
    fault: 'is reset after its work',
    around: async (call) => {
      await call();
      throw new Error('Durable Object reset because its code was updated.');
    },
  },
  {
    fault: 'is overloaded',
    around: async () => ({ ok: false, error: { kind: 'unavailable' } }),
  },
  {
    fault: 'never responds',
    around: () => {
      queueMicrotask(() => vi.advanceTimersByTime(30_000));
      return new Promise(() => {});
    },
  },
];

describe.each(FAULTS)('if the object $fault', ({ fault, around }) => {
  const broken: Bindings = { ...unthrottled, PASSWORD_HASHER: interceptedObjects(around) };

  it.each(ROUTES)('$route responds 503 and changes nothing', async ({ act }) => {
    const username = newName();
    const token = await register(username, PASSWORD);
    const before = await state(username);
    if (fault === 'never responds') vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const response = await act(username, token, broken);
    vi.useRealTimers();
    expect(response.headers.get('Retry-After')).toBe('1');
    expect(await answer(response)).toEqual(UNAVAILABLE);
    expect(await state(username)).toEqual(before);
    // The fault is transient: the next login succeeds.
    const login = await post('/login', { username, password: PASSWORD });
    expect(await answer(login)).toEqual({ status: 200, body: { valid: true, token } });
    expect(logs.flatMap((log) => log.mock.calls.flat()).join('\n')).not.toMatch(
      /-secret|pbkdf2_|[0-9a-f]{40}/,
    );
  });

  it('POST /register responds 503 and creates no user', async () => {
    const username = newName();
    if (fault === 'never responds') vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const response = await post('/register', { username, password: PASSWORD }, broken);
    vi.useRealTimers();
    expect(await answer(response)).toEqual(UNAVAILABLE);
    expect(await state(username)).toBeNull();
    expect((await post('/register', { username, password: PASSWORD })).status).toBe(201);
  });
});

it('accepts a login whose hash could not be upgraded, and upgrades it at the next login', async () => {
  const username = newName();
  const token = await register(username, PASSWORD);
  const old = await makePassword(PASSWORD, 10);
  await env.DB.prepare('UPDATE auth_user SET password = ? WHERE username = ?')
    .bind(old, username)
    .run();
  let calls = 0;
  const objects = interceptedObjects((call) => {
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

it('logs an error in the object itself, without the password', async () => {
  vi.spyOn(crypto.subtle, 'deriveBits').mockRejectedValue(
    new DOMException('internal error', 'OperationError'),
  );
  const response = await post('/login', { username: newName(), password: PASSWORD });
  expect(await answer(response)).toEqual(UNAVAILABLE);
  const lines = logs.flatMap((log) => log.mock.calls.flat()).join('\n');
  expect(lines).toContain('"name":"OperationError"');
  expect(lines).not.toContain(PASSWORD);
});

it('hashes in the isolate if the binding is missing', async () => {
  const { PASSWORD_HASHER: _, ...withoutHasher } = unthrottled;
  const username = newName();
  const token = await register(username, PASSWORD, withoutHasher);
  const login = await post('/login', { username, password: PASSWORD }, withoutHasher);
  expect(await answer(login)).toEqual({ status: 200, body: { valid: true, token } });
});

/** Blocks hashing until `release` is called. */
function holdHashing() {
  const deriveBits = crypto.subtle.deriveBits.bind(crypto.subtle);
  let isHeld = true;
  vi.spyOn(crypto.subtle, 'deriveBits').mockImplementation(async (...args) => {
    while (isHeld) await new Promise((resolve) => setTimeout(resolve, 1));
    return deriveBits(...args);
  });
  return {
    release: () => {
      isHeld = false;
    },
  };
}

const ADDRESS = '192.0.2.1';

it('refuses an address with too many calls to an object at once, and serves others', async () => {
  const hasher = env.PASSWORD_HASHER.get(env.PASSWORD_HASHER.newUniqueId());
  const { release } = holdHashing();
  const results: boolean[] = [];
  const hash = async (client: string) => {
    const { ok } = await hasher.makePassword('pw', ITERATIONS, client);
    results.push(ok);
    return ok;
  };
  const greedy = Array.from({ length: 60 }, () => hash(ADDRESS));
  await expect.poll(() => results).toEqual(Array(20).fill(false));
  const others = Array.from({ length: 24 }, (_, i) => hash(`198.51.100.${i}`));
  release();
  expect(await Promise.all(others)).toEqual(Array(24).fill(true));
  expect((await Promise.all(greedy)).filter((ok) => ok)).toHaveLength(40);
});

/** Logs in as an unknown user. @returns the status */
async function logInFrom(address: string, bindings: Bindings): Promise<number> {
  const headers = { 'Content-Type': 'application/json', 'CF-Connecting-IP': address };
  const body = JSON.stringify({ username: newName(), password: PASSWORD });
  return (await send('/login', { method: 'POST', headers, body }, bindings)).status;
}

it('passes the address of the request to the object', async () => {
  const { objects, calls } = heldObjects();
  const status = logInFrom(ADDRESS, { ...unthrottled, PASSWORD_HASHER: objects });
  await expect.poll(() => calls).toHaveLength(1);
  expect(calls[0]?.args.at(-1)).toBe(ADDRESS);
  calls[0]?.respond({ ok: true, value: { isCorrect: false, mustUpdate: false } });
  expect(await status).toBe(401);
});

it('responds 503 to an address with too many logins at once, without objects', async () => {
  const bindings = { ...unthrottled, PASSWORD_HASHER: undefined };
  const greedy: number[] = [];
  const { release } = holdHashing();
  const logins = Array.from({ length: 60 }, async () => {
    greedy.push(await logInFrom(ADDRESS, bindings));
  });
  await expect.poll(() => greedy).toEqual(Array(20).fill(503));
  const others = Array.from({ length: 24 }, (_, i) => logInFrom(`198.51.100.${i}`, bindings));
  release();
  expect(await Promise.all(others)).toEqual(Array(24).fill(401));
  await Promise.all(logins);
  expect(greedy.slice(20)).toEqual(Array(40).fill(401));
});
