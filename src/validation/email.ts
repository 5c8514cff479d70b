import * as v from 'valibot';
import { isLongerThan } from '../lib/is-longer-than.ts';

/** Characters (RFC 3696 §3, as in Django). Longer strings are not matched with the patterns. */
export const MAX_ADDRESS_LENGTH = 320;

/** Non-ASCII letters and digits (Django's `DomainNameValidator.ul`, which has no upper planes). */
const UL = '\\u00a1-\\uffff\\u{10000}-\\u{10ffff}';

const DOT_ATOM = /^[-!#$%&'*+/=?^_`{}|~0-9A-Z]+(\.[-!#$%&'*+/=?^_`{}|~0-9A-Z]+)*$/iu;

const QUOTED_STRING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 5322's obsolete quoted text allows them.
  /^"([\x01-\x08\x0b\x0c\x0e-\x1f!#-[\]-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])*"$/;

/**
 * Labels have at most 63 characters (RFC 1034 §3.1) and no hyphen at either end. The top-level
 * domain has two or more.
 */
const DOMAIN = new RegExp(
  `^[a-z${UL}0-9](?:[a-z${UL}0-9-]{0,61}[a-z${UL}0-9])?` +
    `(?:\\.(?!-)[a-z${UL}0-9-]{1,63}(?<!-))*` +
    `\\.(?!-)(?:[a-z${UL}-]{2,63}|xn--[a-z0-9]{1,59})(?<!-)$`,
  'iu',
);

/** RFC 5321 §4.1.3 without the `IPv6:` tag, as in Django. */
const ADDRESS_LITERAL = /^\[([a-f0-9:.]+)\]$/i;

const IpAddress = v.pipe(v.string(), v.ip());

/** Whether Django accepts the address (django/core/validators.py, `EmailValidator`, 5.2). */
export function isEmail(value: string): boolean {
  if (isLongerThan(value, MAX_ADDRESS_LENGTH)) return false;
  const at = value.lastIndexOf('@');
  const [user, domain] = [value.slice(0, at), value.slice(at + 1)];
  if (at < 0 || !(DOT_ATOM.test(user) || QUOTED_STRING.test(user))) return false;
  if (domain === 'localhost' || DOMAIN.test(domain)) return true;
  return v.is(IpAddress, ADDRESS_LITERAL.exec(domain)?.[1]);
}

const SENDER = /^(?<name>[^<>\p{C}]*[^<>\p{C}\s])\s*<(?<email>[^<>]+)>$/u;

/**
 * The sender of messages: `us@example.com` or `Us <us@example.com>`.
 *
 * @returns undefined if it is neither
 */
export function parseSender(from: string): { name?: string; email: string } | undefined {
  const { name, email = from } = SENDER.exec(from)?.groups ?? {};
  if (!isEmail(email)) return undefined;
  return name === undefined ? { email } : { name, email };
}
