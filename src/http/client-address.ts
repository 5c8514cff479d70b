import type { Context } from 'hono';
import * as v from 'valibot';

const Ipv4 = v.pipe(v.string(), v.ipv4());

const IPV6_CHARACTERS = /^[0-9a-f:.]+$/i;

/** Groups of an IPv6 address (RFC 4291 §2.2). */
const GROUPS = 8;

/** Groups of a /64. */
const NETWORK_GROUPS = 4;

/** The first six groups of an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2). */
const IPV4_MAPPED = '0:0:0:0:0:ffff';

/**
 * The IP address of the client. Cloudflare sets this header and overwrites the client's value. A
 * client can write anything into `X-Forwarded-For`, so that header is not read.
 *
 * @returns undefined if the header is missing or is not an IP address
 */
export function clientAddress(c: Pick<Context, 'req'>): string | undefined {
  const address = c.req.header('CF-Connecting-IP') ?? '';
  if (v.is(Ipv4, address)) return address;
  const groups = ipv6Groups(address);
  return groups && (mappedIpv4(groups) ?? address);
}

/**
 * The network that rate limits count: an IPv4 address, or the /64 of an IPv6 address. A customer has
 * at least a /64 (RFC 6177 §2), so an attacker can choose from 2^64 addresses in it.
 */
export function clientNetwork(c: Pick<Context, 'req'>): string | undefined {
  const address = clientAddress(c);
  const groups = address && ipv6Groups(address);
  return groups ? `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64` : address;
}

/** @returns the groups in lower case, without leading zeros; undefined if it is no IPv6 address */
function ipv6Groups(address: string): string[] | undefined {
  // The URL parser validates the address and writes it in its shortest form.
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
