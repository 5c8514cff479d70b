/** The entry of `npm start`. test/browser/local.test.ts tests its pages in a browser. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it, vi } from 'vitest';
import * as deployed from '../../src/index.ts';
import * as entry from '../../src/local/worker.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { newName, send as sendToDeployed, unthrottled } from '../helpers/client.ts';
import { linkIn, withMailbox } from '../helpers/mailbox.ts';

const LOCAL = 'http://localhost:8000';
const PATHS = ['/inbox', '/local/messages', '/local/rows'];

async function send(path: string, init?: RequestInit, bindings = unthrottled, origin = LOCAL) {
  const ctx = createExecutionContext();
  const response = await entry.default.fetch(new Request(`${origin}${path}`, init), bindings, ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

const post = (path: string, body: object, bindings?: Bindings) =>
  send(
    path,
    {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    },
    bindings,
  );

async function register(username: string, bindings?: Bindings) {
  const body = { username, password: 'correct horse', email: 'meg@example.com' };
  const response = await post('/register', body, bindings);
  return (await response.json<{ token: string }>()).token;
}

const rows = async (query: string, init?: RequestInit) =>
  (await send(`/local/rows${query}`, init)).json();

/** A user with this stored password and no token. */
const insertUser = (username: string, password: string) =>
  env.DB.prepare(
    `INSERT INTO auth_user (password, is_superuser, username, last_name, email, is_staff, is_active,
       date_joined, first_name) VALUES (?, 0, ?, '', '', 0, 1, '2026-01-01 00:00:00', '')`,
  )
    .bind(password, username)
    .run();

it('exports what the deployed entry exports', () => {
  expect(Object.keys(entry).sort()).toEqual(Object.keys(deployed).sort());
  expect(entry.PasswordHasher).toBe(deployed.PasswordHasher);
});

it('has each route of the deployed entry', async () => {
  const pathsOf = async (response: Response) =>
    Object.keys((await response.json<{ paths: object }>()).paths);
  expect(await pathsOf(await send('/openapi.json'))).toEqual(
    await pathsOf(await sendToDeployed('/openapi.json', {}, unthrottled)),
  );
  expect((await send('/admin')).status).toBe(200);
});

it('has no class in its style that a page has', async () => {
  const html = async (path: string) =>
    (await sendToDeployed(path, {}, withMailbox().bindings)).text();
  const pages = (await Promise.all(['/', '/account', '/admin'].map(html))).join();
  const [, added = ''] = (await (await send('/admin')).text()).split('</style>');
  const classes = [...added.matchAll(/^\.([\w-]+)/gm)].map(([, name]) => name);
  expect(classes).toContain('database-rows');
  for (const name of new Set(classes))
    expect(pages).not.toMatch(new RegExp(`class="[^"]*\\b${name}\\b`));
});

it('has no local path in the deployed entry', async () => {
  for (const path of PATHS) expect((await sendToDeployed(path)).status).toBe(404);
});

it.each(['http://example.com', 'http://192.0.2.2:8000', 'http://localhost.example.com'])(
  'responds to %s as the deployed entry does',
  async (origin) => {
    for (const path of PATHS) {
      expect((await send(path, {}, unthrottled, origin)).status).toBe(404);
    }
    for (const path of ['/', '/account']) {
      const { bindings } = withMailbox();
      const html = await (await send(path, {}, bindings, origin)).text();
      expect(html).toContain('<nav');
      expect(html).not.toMatch(/inbox|id="rows/i);
    }
  },
);

it.each(['http://localhost:8000', 'http://127.0.0.1:8001', 'http://[::1]:8000'])(
  'shows the inbox at %s',
  async (origin) => {
    const response = await send('/inbox', {}, unthrottled, origin);
    expect(response.status).toBe(200);
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    expect(await response.text()).toContain('<a href="/inbox" aria-current="page">Inbox</a>');
  },
);

it('adds the rows to the lesson with the nonce and the policy of the page', async () => {
  const { bindings } = withMailbox();
  const page = await send('/', {}, bindings);
  const policy = (response: Response) =>
    response.headers.get('Content-Security-Policy')?.replaceAll(/'nonce-[^']+'/g, 'nonce');
  expect(policy(page)).toBe(policy(await sendToDeployed('/', {}, bindings)));
  const [, nonce] = /'nonce-([^']+)'/.exec(page.headers.get('Content-Security-Policy') ?? '') ?? [];
  const html = await page.text();
  const nonces = [...html.matchAll(/<(?:style|script)[^>]* nonce="([^"]+)"/g)];
  expect(nonces.map(([, value]) => value)).toEqual(Array(5).fill(nonce));
  expect(html.match(/id="rows"/g)).toHaveLength(1);
  expect(html).toContain('<a href="/inbox">Inbox</a></nav>');
});

it('leads from each message of the account page to the inbox', async () => {
  const { bindings } = withMailbox({ EMAIL_VERIFICATION: 'required' });
  const html = await (await send('/account', {}, bindings)).text();
  expect(html.match(/href="\/inbox">Open the inbox</g)).toHaveLength(3);
  expect(html).not.toContain('id="rows"');
});

it('lets no other origin read the messages or the rows', async () => {
  const headers = { Origin: 'http://localhost:3000' };
  for (const path of PATHS) {
    const response = await send(path, { headers });
    expect(response.status).toBe(200);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull();
    expect(response.headers.get('Cache-Control')).toBe('no-store');
  }
});

it('does not change other responses', async () => {
  const health = await send('/health');
  const expected = await sendToDeployed('/health');
  expect([...health.headers]).toEqual([...expected.headers]);
  expect(await health.text()).toBe(await expected.text());
  expect((await send('/me')).status).toBe(401);
  expect((await send('/', { method: 'HEAD' })).status).toBe(200);
});

it('keeps a message and prints its link', async () => {
  const { bindings, mails } = withMailbox();
  const print = vi.spyOn(console, 'log').mockReturnValue();
  await register(newName(), bindings);
  await post('/users/reset_password', { email: 'meg@example.com' }, bindings);
  const { uid, token } = linkIn(mails[0]);
  const link = `${LOCAL}/account#reset/${uid}/${token}`;
  expect(print).toHaveBeenCalledWith(
    `Inbox: “Password reset on localhost:8000”, to meg@example.com\n  ${link}`,
  );
  const messages = await (await send('/local/messages')).json<unknown[]>();
  expect(messages[0]).toEqual({
    id: expect.any(String),
    sentAt: expect.any(Number),
    to: 'meg@example.com',
    subject: 'Password reset on localhost:8000',
    text: mails[0]?.text,
  });
});

it('keeps no message that was not sent', async () => {
  const EMAIL: SendEmail = { send: () => Promise.reject(new Error('refused')) };
  const { bindings } = withMailbox({ EMAIL });
  vi.spyOn(console, 'error').mockReturnValue();
  await register(newName(), bindings);
  const messages = async () => (await send('/local/messages')).text();
  const before = await messages();
  await post('/users/reset_password', { email: 'meg@example.com' }, bindings);
  expect(await messages()).toBe(before);
});

it('sends no e-mail without the binding', async () => {
  const { EMAIL: _, ...bindings } = withMailbox().bindings;
  const body = { email: 'meg@example.com' };
  expect((await post('/users/reset_password', body, bindings)).status).toBe(404);
});

it('shows the rows of a name and those of a token, with key and hash cut short', async () => {
  const username = newName();
  const token = await register(username);
  const byName = await rows(`?username=${username}`);
  expect(byName).toEqual({
    auth_user: {
      id: expect.any(Number),
      password: expect.stringMatching(/^pbkdf2_sha256\$1000\$[^$]{6}…\$[^$]{6}…$/),
      last_login: null,
      is_superuser: 0,
      username,
      last_name: '',
      email: 'meg@example.com',
      is_staff: 0,
      is_active: 1,
      date_joined: expect.any(String),
      first_name: '',
    },
    authtoken_token: {
      key: `${token.slice(0, 6)}…`,
      created: expect.any(String),
      user_id: expect.any(Number),
    },
  });
  expect(await rows('', { headers: { Authorization: `Token ${token}` } })).toEqual(byName);
});

it('shows the newest token of knox, with its hash cut short', async () => {
  const username = newName();
  const knox: Bindings = { ...unthrottled, TOKEN_MODEL: 'knox.AuthToken' };
  const first = await register(username, knox);
  const login = await post('/login', { username, password: 'correct horse' }, knox);
  const { token } = await login.json<{ token: string }>();
  const byName = await rows(`?username=${username}`);
  expect(byName).toEqual({
    auth_user: expect.objectContaining({ username }),
    knox_authtoken: {
      digest: expect.stringMatching(/^[0-9a-f]{6}…$/),
      created: expect.any(String),
      user_id: expect.any(Number),
      expiry: expect.any(String),
      token_key: `${token.slice(0, 6)}…`,
    },
  });
  const headers = { Authorization: `Token ${first}` };
  expect(await (await send('/local/rows', { headers }, knox)).json()).toEqual(byName);
});

it('shows no rows without a user', async () => {
  expect(await rows('')).toEqual({});
  expect(await rows(`?username=${newName()}`)).toEqual({});
  expect(await rows('', { headers: { Authorization: `Token ${'0'.repeat(40)}` } })).toEqual({});
});

it.each([
  ['!4tQx0aaXbSVsmVYVOeQxsuWGOrnzs1iYUwjZ2g1d', '!4tQx0…'],
  ['e10adc3949ba59abbe56e057f20f883e', 'e10adc…'],
  [
    'argon2$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2g',
    'argon2$argon2…$v=19$m=8,t=…$c29tZX…$aGFzaG…',
  ],
  ['bcrypt_sha256$$2b$12$abcdefghijklmnopqrstuv', 'bcrypt_sha256$$2b$12$abcdef…'],
])('cuts the stored password %s', async (password, shown) => {
  const username = newName();
  await insertUser(username, password);
  expect(await rows(`?username=${username}`)).toMatchObject({ auth_user: { password: shown } });
});

it('waits for another message than the newest', async () => {
  const { bindings } = withMailbox();
  vi.spyOn(console, 'log').mockReturnValue();
  const username = newName();
  await register(username, bindings);
  const email = 'meg@example.com';
  const resetBy = () => post('/users/reset_password', { email, username }, bindings);
  await resetBy();
  type Listed = { id: string }[];
  const [newest] = await (await send('/local/messages')).json<Listed>();
  let hasResponse = false;
  const waiting = send(`/local/messages?seen=${newest?.id}`).then((response) => {
    hasResponse = true;
    return response.json<Listed>();
  });
  await send('/health');
  expect(hasResponse).toBe(false);
  await resetBy();
  const [other, previous] = await waiting;
  expect(other?.id).not.toBe(newest?.id);
  expect(previous?.id).toBe(newest?.id);
});
