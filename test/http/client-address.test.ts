import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { clientAddress, clientNetwork } from '../../src/http/client-address.ts';
import type { AppEnv } from '../../src/http/context.ts';

const app = new Hono<AppEnv>().get('/', (c) =>
  c.json({ address: clientAddress(c), network: clientNetwork(c) }),
);

const read = async (headers: Record<string, string>) =>
  (await app.request('/', { headers })).json();

it.each([
  ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1', '192.0.2.1'],
  ['::FFFF:C000:0201', '192.0.2.1', '192.0.2.1'],
  ['0:0:0:0:0:ffff:c000:201', '192.0.2.1', '192.0.2.1'],
  ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
  ['2001:0DB8:0000:0001::5', '2001:0DB8:0000:0001::5', '2001:db8:0:1::/64'],
  ['2001:db8::1', '2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8::2:0:0:0:1', '2001:db8::2:0:0:0:1', '2001:db8:0:2::/64'],
  ['2001:db8:0:1:ffff::192.0.2.1', '2001:db8:0:1:ffff::192.0.2.1', '2001:db8:0:1::/64'],
  ['::1', '::1', '0:0:0:0::/64'],
  ['::', '::', '0:0:0:0::/64'],
])('reads %s as the address %s in the network %s', async (header, address, network) => {
  expect(await read({ 'CF-Connecting-IP': header })).toEqual({ address, network });
});

it.each([
  '',
  'unknown',
  '192.0.2',
  '192.0.2.256',
  '3221225985',
  '192.0.2.1, 192.0.2.2',
  ':::',
  '1::2::3',
  'fe80::1%eth0',
  '2001:db8::1]/x',
  '1:2:3:4:5:6:7:8:9',
])('%j is not an address', async (header) => {
  expect(await read({ 'CF-Connecting-IP': header })).toEqual({});
});

it('X-Forwarded-For and similar headers are ignored', async () => {
  const headers = {
    'X-Forwarded-For': '192.0.2.1',
    'X-Real-IP': '192.0.2.1',
    Forwarded: 'for=192.0.2.1',
  };
  expect(await read(headers)).toEqual({});
});
