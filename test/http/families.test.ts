/** Families of routes: below another path, and switched off. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { Hono } from 'hono';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../src/app.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { VARIANTS as DJ_REST_AUTH } from '../conformance/dj-rest-auth.ts';
import djRestAuthCases from '../conformance/dj-rest-auth-cases.json?raw';
import { VARIANTS as DJOSER } from '../conformance/djoser.ts';
import djoserCases from '../conformance/djoser-cases.json?raw';
import { VARIANTS as KNOX, withKnoxTokens } from '../conformance/knox.ts';
import knoxCases from '../conformance/knox-cases.json?raw';
import { concretePath, newName, post, register, send, unthrottled } from '../helpers/client.ts';
import { withMailbox } from '../helpers/mailbox.ts';
import { replayCases } from '../helpers/replay-cases.ts';
import { ROUTES } from '../helpers/routes.ts';

const PREFIX = {
  DJ_REST_AUTH_PREFIX: '/api/auth',
  DJOSER_PREFIX: '/auth',
  KNOX_PREFIX: '/api/knox',
};

const FAMILIES = [
  {
    family: 'djoser',
    cases: djoserCases,
    usual: DJOSER[0],
    moved: (path: string) => path.replace(/^(?=\/(?:users|token)\b)/, '/auth'),
  },
  {
    family: 'dj-rest-auth',
    cases: djRestAuthCases,
    usual: DJ_REST_AUTH[0],
    moved: (path: string) => path.replace('/dj-rest-auth', '/api/auth'),
  },
  {
    family: 'knox',
    cases: withKnoxTokens(knoxCases, {}),
    usual: KNOX[0],
    moved: (path: string) => path.replace('/knox', '/api/knox'),
  },
];

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
])('with a path for each family, below "$below"', ({ below, vars, sendTo }) => {
  const { bindings, mails } = withMailbox({ ...PREFIX, ...vars });
  beforeEach(() => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
  });

  describe.each(FAMILIES)('$family', ({ cases, usual, moved }) => {
    const own = { ...bindings, ...usual?.vars };
    const server = {
      send: (path: string, init: RequestInit) => sendTo(below + moved(path), init, own),
      mails,
    };
    replayCases(cases, server, undefined, usual?.differences);
  });

  it('links in e-mails lead to the page at /account', async () => {
    const email = `${newName()}@example.com`;
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ username: newName(), password: 'pw', email });
    await sendTo(`${below}/register`, { method: 'POST', headers, body }, bindings);
    for (const path of [
      '/api/auth/password/reset/',
      '/dj-rest-auth/password/reset/',
      '/auth/users/reset_password/',
      '/users/reset_password/',
    ]) {
      const init = { method: 'POST', headers, body: JSON.stringify({ email }) };
      expect((await sendTo(below + path, init, bindings)).ok).toBe(true);
      expect(mails.at(-1)?.text).toContain(`http://localhost:8000${below}/account#reset/`);
    }
  });
});

describe('the path of a family', () => {
  const bindings = {
    ...unthrottled,
    ...PREFIX,
    BROWSABLE_API: 'false',
    TOKEN_MODEL: 'knox.AuthToken',
  };

  it('is in the OpenAPI document and in the list of routes', async () => {
    const document = await send('/openapi.json', {}, bindings);
    const { paths } = await document.json<{ paths: object }>();
    const index = await (await send('/', {}, bindings)).json<object>();
    for (const listed of [paths, index].map(Object.keys)) {
      expect(listed).toEqual(
        expect.arrayContaining(['/api/auth/login', '/auth/users/{id}', '/api/knox/login']),
      );
      const unmoved = /dj-rest-auth|^\/(?:users|token|knox)(?:\/|$)/;
      expect(listed.filter((path) => unmoved.test(path))).toEqual([]);
    }
  });

  it('leaves other paths as they are', async () => {
    const username = newName();
    await register(username, 'pw');
    const logIn = (path: string) => post(path, { username, password: 'pw' }, bindings);
    expect((await logIn('/api/auth/login')).status).toBe(200);
    expect((await logIn('/dj-rest-auth/login')).status).toBe(200);
    expect((await logIn('/login')).status).toBe(200);
    expect((await logIn('/auth/token/login')).status).toBe(200);
    expect((await logIn('/token/login')).status).toBe(200);
    expect((await logIn('/api/knox/login')).status).toBe(200);
    expect((await logIn('/knox/login')).status).toBe(200);
    for (const path of [
      ...['/api/authlogin', '/api/auth', '/api/login', '/auth/login', '/auth/me', '/auth'],
      ...['/api/knoxlogin', '/api/knox', '/knox', '/api/knox/knox/login', '/api/auth/logoutall'],
      ...['/auth/userss', '/authtoken/login', '/auth/auth/token/login', '/auth/dj-rest-auth/login'],
    ]) {
      expect((await logIn(path)).status).toBe(404);
    }
  });
});

describe.each([
  { family: 'djoser', off: { DJOSER: 'false' } },
  { family: 'dj-rest-auth', off: { DJ_REST_AUTH: 'false' } },
  { family: 'knox', off: { TOKEN_MODEL: 'authtoken.Token' } },
])('$family, if it is switched off', ({ family, off }) => {
  const { bindings } = withMailbox(off);
  const { bindings: verifying } = withMailbox({ ...off, EMAIL_VERIFICATION: 'required' });
  const routes = ROUTES.filter(({ description: { tag } }) => tag === family);
  /** Paths that other routes have, too, if addresses must be verified. */
  const SHARED = ['/users/activation', '/users/resend_activation'];

  it.each(routes)('has no $method $path', async ({ method, path }) => {
    const all = SHARED.includes(path) ? [bindings] : [bindings, verifying];
    for (const vars of all) {
      for (const each of [method, 'OPTIONS', 'DELETE']) {
        expect((await send(concretePath(path), { method: each }, vars)).status).toBe(404);
      }
    }
  });

  it('is not in the OpenAPI document', async () => {
    const document = await (await send('/openapi.json', {}, bindings)).text();
    expect(document).not.toContain(`"tags":["${family}"]`);
  });
});
