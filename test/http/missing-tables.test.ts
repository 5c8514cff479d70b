/** A database without tables: the log has the command to run, and locally the response as well. */
import { env } from 'cloudflare:workers';
import { Hono } from 'hono';
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  type MockInstance,
  vi,
} from 'vitest';
import { createApp } from '../../src/app.ts';

const bindings = { AUTH_DB: env.EMPTY_DB };
const auth = createApp({ bindings: ({ AUTH_DB }: typeof bindings) => ({ DB: AUTH_DB }) });
const host = new Hono<{ Bindings: typeof bindings }>().route('/auth', auth);

const register = {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ username: 'meg', password: 'ducharme' }),
};
const ask = async (url: string, init: RequestInit = {}) => {
  const response = await host.request(url, init, bindings);
  return { status: response.status, body: await response.json() };
};

let log: MockInstance<typeof console.error>;
const logged = () => log.mock.calls.map(([line]) => JSON.parse(line)).at(-1);
beforeEach(() => {
  log = vi.spyOn(console, 'error').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const COMMAND = 'npx wrangler d1 migrations apply AUTH_DB --local';
const HINT = `The database has no tables. Run the migrations: ${COMMAND}`;
const LOG = { event: 'fault', reason: `${HINT} (in production: --remote)` };

describe.each(['http://localhost:8787', 'http://127.0.0.1:8787', 'http://[::1]:8787'])(
  'at %s',
  (origin) => {
    it('the first error has the command', async () => {
      expect(await ask(`${origin}/auth/register`, register)).toEqual({
        status: 500,
        body: { detail: `A server error occurred. ${HINT}` },
      });
      expect(logged()).toMatchObject(LOG);
    });

    it('/health has the command', async () => {
      expect(await ask(`${origin}/auth/health`)).toEqual({
        status: 503,
        body: { status: 'unavailable', detail: HINT },
      });
      expect(logged()).toMatchObject(LOG);
    });
  },
);

describe.each(['https://rocks.example', 'http://localhost.rocks.example'])('at %s', (origin) => {
  it('only the log has the command', async () => {
    expect(await ask(`${origin}/auth/register`, register)).toEqual({
      status: 500,
      body: { detail: 'A server error occurred.' },
    });
    expect(logged()).toMatchObject(LOG);
    expect(await ask(`${origin}/auth/health`)).toEqual({
      status: 503,
      body: { status: 'unavailable' },
    });
    expect(logged()).toMatchObject(LOG);
  });
});

describe('with one of the two tables', () => {
  afterAll(async () => {
    await env.EMPTY_DB.exec('DROP TABLE auth_user');
  });
  beforeAll(async () => {
    await env.EMPTY_DB.exec('CREATE TABLE auth_user (id integer PRIMARY KEY)');
  });

  it('/health is 503', async () => {
    expect(await ask('https://rocks.example/auth/health')).toMatchObject({ status: 503 });
    expect(logged()).toMatchObject({ ...LOG, message: expect.stringContaining('authtoken_token') });
  });
});
