/** Two Workers as two `wrangler dev`, side by side: one's tokens protect the other, through restarts of both. */
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

async function ask(
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
/** Two Workers start twice, each in a few seconds; on a busy machine in many. */
const TIMEOUT_MS = 120_000;

it(
  'protects another Worker’s /rocks, through restarts of both, until the very moment of logout',
  async () => {
    const authPlace = place('auth', 'wrangler.toml');
    const rocksPlace = place('rocks', 'test/fixtures/rocks/wrangler.toml');
    migrate(authPlace);
    migrate(rocksPlace);
    let [auth, rocks] = await Promise.all([start(authPlace), start(rocksPlace)]);

    const registered = await ask(auth, 'POST', '/register', undefined, MEG);
    const { token } = JSON.parse(registered.text);
    expect((await ask(rocks, 'GET', '/rocks')).status).toBe(401);
    expect((await ask(rocks, 'POST', '/rocks', token, { name: 'Granite' })).status).toBe(201);
    const list = { status: 200, text: '[{"id":1,"name":"Granite"}]' };
    expect(await ask(rocks, 'GET', '/rocks', token)).toEqual(list);

    await rocks.stop();
    rocks = await start(rocksPlace);
    expect(await ask(rocks, 'GET', '/rocks', token)).toEqual(list);

    await auth.stop();
    // Who cannot be identified gets nothing.
    expect((await ask(rocks, 'GET', '/rocks', token)).status).toBeGreaterThanOrEqual(500);
    auth = await start(authPlace);
    // Where the Worker is now comes from the register, which is read every so often.
    await expect
      .poll(() => ask(rocks, 'GET', '/rocks', token), { timeout: TIMEOUT_MS })
      .toEqual(list);

    expect((await ask(auth, 'POST', '/logout', token)).status).toBe(204);
    expect((await ask(rocks, 'GET', '/rocks', token)).status).toBe(401);
  },
  TIMEOUT_MS,
);
