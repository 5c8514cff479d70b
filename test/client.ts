import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { createApp } from '../src/app.ts';

const app = createApp();

/** Sends a request to the app and waits for what it left to `waitUntil`, too. */
export async function send(path: string, init?: RequestInit, bindings: Env = env) {
  const ctx = createExecutionContext();
  const response = await app.fetch(
    new Request(`http://localhost:8000${path}`, init),
    bindings,
    ctx,
  );
  await waitOnExecutionContext(ctx);
  return response;
}

/** POSTs a JSON body. */
export const post = (path: string, body: unknown, bindings?: Env) =>
  send(path, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) }, bindings);

/** GETs as the owner of a token. */
export const getAs = (token: string, path = '/me', bindings?: Env) =>
  send(path, { headers: { Authorization: `Token ${token}` } }, bindings);

/** What a test compares of an answer at once. */
export const answer = async (response: Response) => ({
  status: response.status,
  body: await response.json(),
});

const JSON_TYPE = { 'Content-Type': 'application/json' };

let users = 0;

/** A name nobody has yet. */
export const newName = () => `user${++users}`;

/** Registers a user and returns its token. */
export async function register(username: string, password = 'correct horse', bindings?: Env) {
  const response = await post('/register', { username, password }, bindings);
  const { token } = await response.json<{ token: string }>();
  return token;
}
