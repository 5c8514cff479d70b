import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import app from '../../src/index.ts';
import type { Bindings } from '../../src/services/bindings.ts';

const {
  LOGIN_LIMIT,
  LOGIN_ADDRESS_LIMIT,
  REGISTER_LIMIT,
  MAIL_LIMIT,
  MAIL_ADDRESS_LIMIT,
  RATE_LIMIT_COUNTER,
  EMAIL: _,
  ...rest
} = env;

/** The bindings of the rate limits. */
export const rateLimits = {
  LOGIN_LIMIT,
  LOGIN_ADDRESS_LIMIT,
  REGISTER_LIMIT,
  MAIL_LIMIT,
  MAIL_ADDRESS_LIMIT,
  RATE_LIMIT_COUNTER,
};

/** The bindings of this Worker without rate limits and without e-mail. */
export const unthrottled: Bindings = rest;

/** Sends a request to the app and waits for the response and for its `waitUntil` promises. */
export async function send(
  path: string,
  init?: RequestInit,
  bindings: Bindings = unthrottled,
  origin = 'http://localhost:8000',
) {
  const ctx = createExecutionContext();
  const request = new Request(`${origin}${path}`, init);
  const response = await app.fetch(request, bindings, ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

/** Sends JSON with a token. */
export const sendAs = (
  token: string,
  method: string,
  path: string,
  body?: unknown,
  bindings?: Bindings,
) => {
  const headers = { ...JSON_TYPE, Authorization: `Token ${token}` };
  return send(path, { method, headers, body: body ? JSON.stringify(body) : null }, bindings);
};

/** Sends a GET request with a token. */
export const getAs = (token: string, path = '/me', bindings?: Bindings) =>
  sendAs(token, 'GET', path, undefined, bindings);

/** Sends JSON by POST without a token. */
export const post = (path: string, body: unknown, bindings?: Bindings) =>
  send(path, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) }, bindings);

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** The status and the JSON body of a response, to compare both at once. */
export const answer = async (response: Response) => ({
  status: response.status,
  body: await response.json(),
});

/** A username that no test has used. Attempts are counted per username, also across test files. */
export const newName = () => `user${crypto.getRandomValues(new Uint32Array(1))}`;

/** Registers a user and returns its token. */
export async function register(username: string, password = 'correct horse', bindings?: Bindings) {
  const response = await post('/register', { username, password }, bindings);
  const { token } = await response.json<{ token: string }>();
  return token;
}

/** The path of a route with a value for each parameter: `/users/:id{[0-9]+}` → `/users/1`. */
export const concretePath = (path: string, value = 1) =>
  path.replaceAll(/:\w+(?:\{[^}]*\})?/g, `${value}`);
