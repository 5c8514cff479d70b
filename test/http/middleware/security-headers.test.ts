import { expect, it } from 'vitest';
import { getAs, newName, post, send, unthrottled } from '../../helpers/client.ts';

const HARDENING = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
};

it.each([
  [201, 'a registration', () => post('/register', { username: newName(), password: 'pw' })],
  [400, 'an invalid body', () => post('/register', {})],
  [401, 'an unknown token', () => getAs('no-such-token')],
  [404, 'an unknown path', () => send('/no-such-route')],
  [405, 'a method that is not allowed', () => send('/login')],
  [413, 'a body that is too large', () => post('/register', { username: 'x'.repeat(100_000) })],
])('sets the security headers on the %i response of %s', async (status, _of, request) => {
  const response = await request();
  expect(response.status).toBe(status);
  expect(Object.fromEntries(response.headers)).toMatchObject(HARDENING);
});

it.each(['/', '/me'])('sets HSTS at %s only over https', async (path) => {
  const headersOver = async (scheme: string) => {
    const response = await send(path, {}, unthrottled, `${scheme}://auth.example.com`);
    return response.headers;
  };
  expect((await headersOver('https')).get('Strict-Transport-Security')).toBe('max-age=63072000');
  expect((await headersOver('http')).has('Strict-Transport-Security')).toBe(false);
});
