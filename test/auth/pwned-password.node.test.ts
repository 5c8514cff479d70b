/** Have I Been Pwned's range API, simulated by a local server. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isPwned } from '../../src/auth/pwned-password.ts';

const PASSWORD = 'pässwörd 🔑';
const DIGEST = createHash('sha1').update(PASSWORD).digest('hex').toUpperCase();
const [PREFIX, SUFFIX] = [DIGEST.slice(0, 5), DIGEST.slice(5)];

const OTHER = '0018A45C4D1DEF81644B54AB7F969B88D65';

/** Starts a service that responds as given, and records its requests. */
async function service(respond: (response: ServerResponse) => void) {
  const requests: unknown[] = [];
  const server = createServer(({ method, url, headers }, response) => {
    const { 'add-padding': padding, 'user-agent': agent } = headers;
    requests.push({ method, url, padding, agent });
    respond(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port }: AddressInfo = Object(server.address());
  return { url: `http://127.0.0.1:${port}/range/`, requests };
}

const serviceWith = (text: string) => service((response) => response.end(text));

/** Checks the password and collects the log lines. */
async function check(url: string) {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const isKnown = await isPwned(PASSWORD, url);
  const logged = warn.mock.calls.map(([line]) => String(line));
  return { isKnown, logged };
}

describe('a password', () => {
  it('is looked up by five digits of its SHA-1, with padding', async () => {
    const { url, requests } = await serviceWith(`${OTHER}:3\r\n${SUFFIX}:42`);
    expect(await check(url)).toEqual({ isKnown: true, logged: [] });
    expect(requests).toEqual([
      { method: 'GET', url: `/range/${PREFIX}`, padding: 'true', agent: 'edge-authtoken' },
    ]);
  });

  it.each([
    { name: 'is not in the range', text: `${OTHER}:3\r\n${OTHER.replace('0', '1')}:1\r\n` },
    { name: 'is only in the padding', text: `${OTHER}:3\r\n${SUFFIX}:0` },
    { name: 'differs in its last digit', text: `${SUFFIX.slice(0, -1)}${flip(SUFFIX)}:7` },
  ])('is not known if it $name', async ({ text }) => {
    const { url } = await serviceWith(text);
    expect(await check(url)).toEqual({ isKnown: false, logged: [] });
  });
});

describe('accepts the password and logs a failure of the service', () => {
  const reasons: { name: string; respond: (response: ServerResponse) => void; reason: string }[] = [
    {
      name: 'status 500',
      respond: (response) => response.writeHead(500).end(`${SUFFIX}:42`),
      reason: 'status 500',
    },
    {
      name: 'status 429',
      respond: (response) => response.writeHead(429).end(),
      reason: 'status 429',
    },
    {
      name: 'an HTML page',
      respond: (response) => response.end('<html>Please log in.</html>'),
      reason: 'not a list of digests',
    },
    {
      name: 'a digest and an invalid line',
      respond: (response) => response.end(`${SUFFIX}:42\r\ngarbage`),
      reason: 'not a list of digests',
    },
    {
      name: 'an empty response',
      respond: (response) => response.end(),
      reason: 'not a list of digests',
    },
    { name: 'no response', respond: () => {}, reason: 'TimeoutError' },
    {
      name: 'a response that does not end',
      respond: (response) => response.write(`${SUFFIX}:42\r\n`),
      reason: 'TimeoutError',
    },
    {
      name: 'a broken connection',
      respond: (response) => response.destroy(),
      reason: 'TypeError',
    },
  ];

  it.each(reasons)('$name', async ({ respond, reason }) => {
    const { url } = await service(respond);
    const { isKnown, logged } = await check(url);
    expect(isKnown).toBe(false);
    expect(logged.map((line) => JSON.parse(line))).toEqual([
      { event: 'pwned-passwords-unavailable', reason },
    ]);
    for (const secret of [PASSWORD, PREFIX, SUFFIX]) expect(logged.join()).not.toContain(secret);
  });

  it('connection refused', async () => {
    const { isKnown, logged } = await check('http://127.0.0.1:1/range/');
    expect(isKnown).toBe(false);
    expect(logged.map((line) => JSON.parse(line))).toEqual([
      { event: 'pwned-passwords-unavailable', reason: 'TypeError' },
    ]);
  });
});

/** A digit that differs from the last one. */
function flip(digits: string): string {
  return digits.endsWith('0') ? '1' : '0';
}
