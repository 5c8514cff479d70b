/** Two Workers in two `wrangler dev` processes: tokens of one protect the other, also after restarts of both. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { migrate, type Place, startServer } from '../helpers/server.ts';

let directory: string;
let running: ReturnType<typeof startServer>[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'edge-authtoken-'));
});
afterEach(async () => {
  await Promise.all(running.map((dev) => dev.stop()));
  running = [];
  await rm(directory, { recursive: true });
});

const place = (name: string, config: string): Place => ({
  config,
  persistTo: join(directory, name),
  registry: join(directory, 'registry'),
});

async function start(place: Place) {
  const dev = startServer(place);
  running.push(dev);
  return { url: await dev.url, stop: dev.stop };
}

async function send(
  { url }: { url: string },
  method: string,
  path: string,
  token?: string,
  body?: object,
) {
  const response = await fetch(new URL(path, url), {
    method,
    headers: {
      'Content-Type': 'application/json',
      ...(token !== undefined && { Authorization: `Token ${token}` }),
    },
    body: body ? JSON.stringify(body) : null,
  });
  return { status: response.status, text: await response.text() };
}

const MEG = { username: 'meg@ducharme.com', password: 'ducharme' };
/** Two Workers start twice. Each start takes a few seconds, and longer on a busy machine. */
const TIMEOUT_MS = 120_000;

it(
  'a token protects the /rocks of another Worker through restarts of both, until the logout',
  async () => {
    const authPlace = place('auth', 'wrangler.toml');
    const rocksPlace = place('rocks', 'test/fixtures/rocks/wrangler.toml');
    migrate(authPlace);
    migrate(rocksPlace);
    let [auth, rocks] = await Promise.all([start(authPlace), start(rocksPlace)]);

    const registered = await send(auth, 'POST', '/register', undefined, MEG);
    const { token } = JSON.parse(registered.text);
    expect((await send(rocks, 'GET', '/rocks')).status).toBe(401);
    expect((await send(rocks, 'POST', '/rocks', token, { name: 'Granite' })).status).toBe(201);
    const list = { status: 200, text: '[{"id":1,"name":"Granite"}]' };
    expect(await send(rocks, 'GET', '/rocks', token)).toEqual(list);

    await rocks.stop();
    rocks = await start(rocksPlace);
    expect(await send(rocks, 'GET', '/rocks', token)).toEqual(list);

    await auth.stop();
    // Without the service that authenticates, there is no access.
    expect((await send(rocks, 'GET', '/rocks', token)).status).toBeGreaterThanOrEqual(500);
    auth = await start(authPlace);
    // wrangler finds the restarted Worker in its registry, which it reads at intervals.
    await expect
      .poll(() => send(rocks, 'GET', '/rocks', token), { timeout: TIMEOUT_MS })
      .toEqual(list);

    expect((await send(auth, 'POST', '/logout', token)).status).toBe(204);
    expect((await send(rocks, 'GET', '/rocks', token)).status).toBe(401);
  },
  TIMEOUT_MS,
);
