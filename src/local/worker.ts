/**
 * The entry of `npm start`: the Worker of index.ts, with an inbox for its messages, and with the rows
 * of the user next to the lesson. `wrangler deploy` bundles index.ts, so that a deployment has none
 * of it.
 *
 * Only requests to this machine's own names get it. Otherwise a website whose name leads to 127.0.0.1
 * could read the links (DNS rebinding).
 */
import { type Context, Hono } from 'hono';
import { createApp } from '../app.ts';
import { onError } from '../http/errors.ts';
import { hardeningHeaders, pageHeaders } from '../http/middleware/security-headers.ts';
import { NO_STORE } from '../http/no-store.ts';
import { admin } from '../http/routes/admin/routes.ts';
import { isLoopback } from '../lib/loopback.ts';
import { authEntrypoint } from '../rpc/auth-entrypoint.ts';
import type { Bindings } from '../services/bindings.ts';
import { addToPage } from './add-to-page.tsx';
import { createInbox } from './inbox/inbox.ts';
import { inboxPage } from './inbox/page.tsx';
import { rowsOf } from './rows/rows.ts';

type Env = { Bindings: Bindings };

const inbox = createInbox();

const app = createApp({
  admin,
  bindings: ({ EMAIL, ...env }: Bindings) => ({ ...env, EMAIL: EMAIL && inbox.keeping(EMAIL) }),
});

// The Durable Object classes. The two exports below replace those of the same name.
export * from '../index.ts';

export const AuthEntrypoint = authEntrypoint(app);

const respond = async (c: Context<Env>) => app.fetch(c.req.raw, c.env, c.executionCtx);

const local = new Hono<Env>();

local.use(async function onlyOnThisMachine(c, next) {
  if (!isLoopback(new URL(c.req.url).hostname)) return respond(c);
  await next();
  return undefined;
});

local.get('/inbox', pageHeaders, async function showInbox(c) {
  const html = inboxPage(c.env, c.get('secureHeadersNonce'));
  return addToPage(await c.html(html, 200, NO_STORE), '/inbox');
});

/** Responds when there are other messages than those that the page has seen, or after a while. */
local.get('/local/messages', hardeningHeaders, async function listMessages(c) {
  await inbox.change(c.req.query('seen'));
  return c.json(inbox.messages(), 200, NO_STORE);
});

/** The rows of the user with this name, or of the user of the token. */
local.get('/local/rows', hardeningHeaders, async function listRows(c) {
  const username = c.req.query('username') ?? (await usernameOfToken(c));
  return c.json(await rowsOf(c.env.DB, username ?? ''), 200, NO_STORE);
});

local.all('*', async function addToResponse(c) {
  return addToPage(await respond(c));
});

local.onError(onError);

async function usernameOfToken(c: Context<Env>): Promise<string | undefined> {
  const result = await app.authenticate(c.req.header('Authorization'), c);
  return result.ok ? result.value.user.username : undefined;
}

export default local;
