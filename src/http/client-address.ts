import type { Context } from 'hono';
import * as v from 'valibot';

const Ipv4 = v.pipe(v.string(), v.ipv4());

const IPV6_CHARACTERS = /^[0-9a-f:.]+$/i;

/** Groups of an IPv6 address (RFC 4291 §2.2). */
const GROUPS = 8;

/** Groups of a /64. */
const NETWORK_GROUPS = 4;

/** The six groups before an IPv4 address that is written as an IPv6 one (RFC 4291 §2.5.5.2). */
const IPV4_MAPPED = '0:0:0:0:0:ffff';

/**
 * The client's IP address. Cloudflare sets this header and overwrites a client's own; a client can
 * write anything into `X-Forwarded-For`. Undefined without the header, or if it holds no address.
 */
export function clientAddress(c: Pick<Context, 'req'>): string | undefined {
  const address = c.req.header('CF-Connecting-IP') ?? '';
  if (v.is(Ipv4, address)) return address;
  const groups = ipv6Groups(address);
  return groups && (mappedIpv4(groups) ?? address);
}

/**
 * What rate limits count: an IPv4 address, or the /64 of an IPv6 one. A single customer has at least
 * a /64 (RFC 6177 §2), so an attacker has 2^64 addresses to choose from in it.
 */
export function clientNetwork(c: Pick<Context, 'req'>): string | undefined {
  const address = clientAddress(c);
  const groups = address && ipv6Groups(address);
  return groups ? `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64` : address;
}

/** The groups without leading zeros, in lower case; undefined if this is no IPv6 address. */
function ipv6Groups(address: string): string[] | undefined {
  // The URL parser checks the address and writes it in its shortest form.
  const url = IPV6_CHARACTERS.test(address) ? URL.parse(`http://[${address}]`) : undefined;
  if (!url) return undefined;
  const [before = [], after = []] = url.hostname
    .slice(1, -1)
    .split('::')
    .map((half) => half.match(/[0-9a-f]+/g) ?? []);
  const zeros = Array<string>(GROUPS - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after];
}

function mappedIpv4(groups: string[]): string | undefined {
  const [high, low] = groups.slice(-2).map((group) => Number.parseInt(group, 16));
  const isMapped = groups.slice(0, -2).join(':') === IPV4_MAPPED;
  if (!isMapped || high === undefined || low === undefined) return undefined;
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
