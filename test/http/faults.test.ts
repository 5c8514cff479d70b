/** Server errors are logged without secrets and not shown to clients. */
import { env } from 'cloudflare:workers';
import { DrizzleQueryError } from 'drizzle-orm';
import { beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import app from '../../src/index.ts';
import { answer, getAs, newName, post, register, unthrottled } from '../helpers/client.ts';
import { failingD1 } from '../helpers/intercept-d1.ts';

const FAULT = { status: 500, body: { detail: 'A server error occurred.' } };

let log: MockInstance<typeof console.error>;
beforeEach(() => {
  log = vi.spyOn(console, 'error').mockImplementation(() => {});
});

const logged = () => log.mock.calls.flat().join('\n');

describe('a D1 error', () => {
  it('responds with a generic 500 and logs the cause without query parameters', async () => {
    const token = await register(newName());
    const bindings = failingD1(new Error('D1_ERROR: no such column: nope'));
    expect(await answer(await getAs(token, '/me', bindings))).toEqual(FAULT);
    expect(logged()).toContain('D1_ERROR: no such column: nope');
    expect(logged()).not.toContain(token);
  });

  it('logs neither the password nor the hash nor the token of a registration', async () => {
    const bindings = failingD1(new Error('D1_ERROR: no such column: nope'));
    const body = { username: newName(), password: 'very secret' };
    expect(await answer(await post('/register', body, bindings))).toEqual(FAULT);
    expect(logged()).not.toMatch(/very secret|pbkdf2_sha256|[0-9a-f]{40}/);
  });

  it('is logged with the message of D1, not of Drizzle', async () => {
    const cause = new Error('D1_ERROR: no such table');
    const wrapped = new DrizzleQueryError('select ?', ['secret parameter'], cause);
    await getAs('x', '/me', failingD1(wrapped));
    expect(logged()).toContain('D1_ERROR: no such table');
    expect(logged()).not.toContain('secret parameter');
  });
});

describe('a D1 that does not respond', () => {
  it.each([
    ['Currently processing a long-running export.', 'The database is being exported'],
    ['database is locked: SQLITE_BUSY', 'Another process is writing to the database'],
    ['internal error; reference = 8onlfeq3q8hs4rp2ck9hostt', 'D1 failed without a cause'],
    ['database or disk is full: SQLITE_FULL', 'The database cannot grow'],
    ["D1 DB's isolate exceeded its memory limit and was reset.", 'too much memory'],
  ])('makes each route respond 503 and logs what to do: %s', async (words, reason) => {
    const token = await register(newName());
    const bindings = failingD1(new Error(`D1_ERROR: ${words}`));
    for (const response of await Promise.all([
      getAs(token, '/me', bindings),
      post('/login', { username: newName(), password: 'pw' }, bindings),
      post('/register', { username: newName(), password: 'pw' }, bindings),
    ])) {
      expect(response.headers.get('Retry-After')).toBe('1');
      expect(await answer(response)).toEqual({
        status: 503,
        body: { detail: 'Service temporarily unavailable, try again later.' },
      });
    }
    const lines = log.mock.calls.map(([line]) => JSON.parse(line));
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      expect(line).toMatchObject({
        event: 'database-unavailable',
        reason: expect.stringContaining(reason),
        message: `D1_ERROR: ${words}`,
      });
    }
  });
});

it('a missing database binding is named in the log', async () => {
  const { DB: _, ...unbound } = unthrottled;
  const response = await app.request('/me', {}, unbound);
  expect(await answer(response)).toEqual(FAULT);
  expect(logged()).toContain(
    'DB is not bound. Bind a D1 database as DB, or pass the option `bindings` to createApp.',
  );
});

describe('a variable', () => {
  it.each([
    ['PBKDF2_ITERATIONS', 'many', '"many". It must be a whole number from 1000 to 10000000'],
    ['PBKDF2_ITERATIONS', '999', '"999". It must be a whole number from 1000 to 10000000'],
    ['PBKDF2_ITERATIONS', '10000001', '"10000001". It must be a whole number'],
    ['PBKDF2_ITERATIONS', '1e6', '"1e6". It must be a whole number'],
    ['CORS_ALLOWED_ORIGINS', '*', '"*". It must be origins separated by commas'],
    ['CORS_ALLOWED_ORIGINS', 'https://a.example/', '"https://a.example/". It must be origins'],
    ['CORS_ALLOWED_ORIGINS', 'a.example', '"a.example". It must be origins'],
    ['TOKEN_MAX_AGE_DAYS', '0', '"0". It must be a whole number of days from 1 to 3650'],
    ['BROWSABLE_API', 'no', '"no". It must be "true" or "false"'],
    ['AUTH_PASSWORD_VALIDATORS', 'Length', '"Length". It must be any of UserAttributeSimilarity'],
  ])(
    'that is invalid is logged with the allowed values, and requests fail: %s = %s',
    async (name, value, says) => {
      const bindings = { ...unthrottled, [name]: value };
      expect(await answer(await getAs('x', '/me', bindings))).toEqual(FAULT);
      const message = JSON.stringify(`${name} is ${says}`).slice(1, -1);
      expect(logged()).toContain(message);
    },
  );

  it('that is not set has a default', async () => {
    const { PBKDF2_ITERATIONS: _, CORS_ALLOWED_ORIGINS: __, ...unset } = env;
    expect((await getAs('x', '/me', { ...unthrottled, ...unset })).status).toBe(401);
  });
});
