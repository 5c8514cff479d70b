/** Families of routes: below another path, and switched off. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { Hono } from 'hono';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp, ROUTES } from '../../src/app.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { VARIANTS } from '../conformance/dj-rest-auth.ts';
import cases from '../conformance/dj-rest-auth-cases.json?raw';
import { newName, post, register, send, unthrottled } from '../helpers/client.ts';
import { withMailbox } from '../helpers/mailbox.ts';
import { replayCases } from '../helpers/replay-cases.ts';

const PREFIX = { DJ_REST_AUTH_PREFIX: '/api/auth' };

const moved = (path: string) => path.replace('/dj-rest-auth', '/api/auth');

const host = new Hono().route('/host', createApp());

async function sendToHost(path: string, init: RequestInit, bindings: Bindings) {
  const ctx = createExecutionContext();
  const request = new Request(`http://localhost:8000${path}`, init);
  const response = await host.fetch(request, bindings, ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

describe.each([
  { below: '', vars: {}, sendTo: send },
  { below: '/v1', vars: { URL_PREFIX: '/v1' }, sendTo: send },
  { below: '/host', vars: {}, sendTo: sendToHost },
])('with DJ_REST_AUTH_PREFIX, below "$below"', ({ below, vars, sendTo }) => {
  const [usual] = VARIANTS;
  const { bindings, mails } = withMailbox({ ...usual?.vars, ...PREFIX, ...vars });
  beforeEach(() => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
  });

  describe('dj-rest-auth', () => {
    const server = {
      send: (path: string, init: RequestInit) => sendTo(below + moved(path), init, bindings),
      mails,
    };
    replayCases(cases, server, undefined, usual?.differences);
  });

  it('links in e-mails lead to the page at /account', async () => {
    const email = `${newName()}@example.com`;
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ username: newName(), password: 'pw', email });
    await sendTo(`${below}/register`, { method: 'POST', headers, body }, bindings);
    for (const path of ['/api/auth', '/dj-rest-auth']) {
      const init = { method: 'POST', headers, body: JSON.stringify({ email }) };
      await sendTo(`${below}${path}/password/reset/`, init, bindings);
      expect(mails.at(-1)?.text).toContain(`http://localhost:8000${below}/account#reset/`);
    }
  });
});

describe('DJ_REST_AUTH_PREFIX', () => {
  const bindings = { ...unthrottled, ...PREFIX, BROWSABLE_API: 'false' };

  it('is in the OpenAPI document and in the list of routes', async () => {
    const document = await send('/openapi.json', {}, bindings);
    const { paths } = await document.json<{ paths: object }>();
    const index = await (await send('/', {}, bindings)).json<object>();
    for (const listed of [paths, index].map(Object.keys)) {
      expect(listed).toContain('/api/auth/login');
      expect(listed.join()).not.toContain('dj-rest-auth');
    }
  });

  it('leaves other paths as they are', async () => {
    const username = newName();
    await register(username, 'pw');
    const logIn = (path: string) => post(path, { username, password: 'pw' }, bindings);
    expect((await logIn('/api/auth/login')).status).toBe(200);
    expect((await logIn('/dj-rest-auth/login')).status).toBe(200);
    expect((await logIn('/login')).status).toBe(200);
    for (const path of ['/api/authlogin', '/api/auth', '/api/login', '/auth/login']) {
      expect((await logIn(path)).status).toBe(404);
    }
  });
});

describe('a family that is switched off', () => {
  const { bindings } = withMailbox({ DJ_REST_AUTH: 'false', EMAIL_VERIFICATION: 'required' });
  const routes = ROUTES.filter(({ path }) => path.startsWith('/dj-rest-auth'));

  it.each(routes)('has no $method $path', async ({ method, path }) => {
    for (const each of [method, 'OPTIONS', 'DELETE']) {
      expect((await send(path, { method: each }, bindings)).status).toBe(404);
    }
  });

  it('is not in the OpenAPI document', async () => {
    const document = await (await send('/openapi.json', {}, bindings)).text();
    expect(document).not.toContain('/dj-rest-auth');
  });
});
