/** The range API of Have I Been Pwned, as a local server answers it. */
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

/** A service that answers so, and what it was asked. */
async function service(answer: (response: ServerResponse) => void) {
  const asked: unknown[] = [];
  const server = createServer(({ method, url, headers }, response) => {
    const { 'add-padding': padding, 'user-agent': agent } = headers;
    asked.push({ method, url, padding, agent });
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port }: AddressInfo = Object(server.address());
  return { url: `http://127.0.0.1:${port}/range/`, asked };
}

const answering = (text: string) => service((response) => response.end(text));

/** Asks, and collects what is logged. */
async function ask(url: string) {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const isKnown = await isPwned(PASSWORD, url);
  const logged = warn.mock.calls.map(([line]) => String(line));
  return { isKnown, logged };
}

describe('a password', () => {
  it('is looked for by five digits of its SHA-1, with padding', async () => {
    const { url, asked } = await answering(`${OTHER}:3\r\n${SUFFIX}:42`);
    expect(await ask(url)).toEqual({ isKnown: true, logged: [] });
    expect(asked).toEqual([
      { method: 'GET', url: `/range/${PREFIX}`, padding: 'true', agent: 'edge-authtoken' },
    ]);
  });

  it.each([
    { name: 'is not in the range', text: `${OTHER}:3\r\n${OTHER.replace('0', '1')}:1\r\n` },
    { name: 'is only in the padding', text: `${OTHER}:3\r\n${SUFFIX}:0` },
    { name: 'differs in its last digit', text: `${SUFFIX.slice(0, -1)}${flip(SUFFIX)}:7` },
  ])('is not known if it $name', async ({ text }) => {
    const { url } = await answering(text);
    expect(await ask(url)).toEqual({ isKnown: false, logged: [] });
  });
});

describe('a service that fails lets the password pass, and is logged', () => {
  const reasons: { name: string; answer: (response: ServerResponse) => void; reason: string }[] = [
    {
      name: 'status 500',
      answer: (response) => response.writeHead(500).end(`${SUFFIX}:42`),
      reason: 'status 500',
    },
    {
      name: 'status 429',
      answer: (response) => response.writeHead(429).end(),
      reason: 'status 429',
    },
    {
      name: 'a page',
      answer: (response) => response.end('<html>Please log in.</html>'),
      reason: 'not a list of digests',
    },
    {
      name: 'garbage beside the digest',
      answer: (response) => response.end(`${SUFFIX}:42\r\ngarbage`),
      reason: 'not a list of digests',
    },
    { name: 'nothing', answer: (response) => response.end(), reason: 'not a list of digests' },
    { name: 'no answer', answer: () => {}, reason: 'TimeoutError' },
    {
      name: 'an answer that does not end',
      answer: (response) => response.write(`${SUFFIX}:42\r\n`),
      reason: 'TimeoutError',
    },
    {
      name: 'a broken connection',
      answer: (response) => response.destroy(),
      reason: 'TypeError',
    },
  ];

  it.each(reasons)('$name', async ({ answer, reason }) => {
    const { url } = await service(answer);
    const { isKnown, logged } = await ask(url);
    expect(isKnown).toBe(false);
    expect(logged.map((line) => JSON.parse(line))).toEqual([
      { event: 'pwned-passwords-unavailable', reason },
    ]);
    for (const secret of [PASSWORD, PREFIX, SUFFIX]) expect(logged.join()).not.toContain(secret);
  });

  it('no server', async () => {
    const { isKnown, logged } = await ask('http://127.0.0.1:1/range/');
    expect(isKnown).toBe(false);
    expect(logged.map((line) => JSON.parse(line))).toEqual([
      { event: 'pwned-passwords-unavailable', reason: 'TypeError' },
    ]);
  });
});

/** Another digit than the last one. */
function flip(digits: string): string {
  return digits.endsWith('0') ? '1' : '0';
}
