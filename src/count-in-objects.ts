/** Exact counts by way of the `RATE_LIMIT_COUNTER` binding. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { comparableEmail } from './auth/account-mail.ts';
import type { LoginAttempts } from './auth/login-attempts.ts';
import type { CountMessage } from './mail/message-limit.ts';
import { err, ok } from './result.ts';
import type { CountedLogin, RateLimitCounter } from './rpc/rate-limit-counter.ts';
import { ServiceUnavailable } from './service-unavailable.ts';
import { withTimeout } from './with-timeout.ts';

type Objects = DurableObjectNamespace<RateLimitCounter>;

/** An object answers within milliseconds, or does not answer. */
const TIMEOUT_MS = 5000;

/** Counts failed logins. */
export const countLogins = (objects: Objects): LoginAttempts => ({
  async begin(username, storedPassword) {
    const counter = counterOf(objects, digest(username));
    const key = digest(username, storedPassword ?? '');
    const counted = await inTime<CountedLogin>(() => counter.beginLogin(key));
    if (!counted.ok) return counted;
    return ok(() => inTime(() => counter.forgetFailures(key, counted.value)));
  },
});

/** Counts messages. Addresses that a mail service may take for the same are counted together. */
export const countMessages = (objects: Objects): CountMessage =>
  async function countMessage(to, kind) {
    const recipient = digest(comparableEmail(to));
    const counter = counterOf(objects, recipient);
    const sentAt = await inTime(() => counter.countMessage(recipient, kind));
    if (sentAt === undefined) return err({ kind: 'throttled' });
    return ok(() => inTime(() => counter.uncountMessage(recipient, sentAt)));
  };

/**
 * One of 16 objects, by the first hexadecimal digit. An object does some hundred writes a second
 * (developers.cloudflare.com, Rules of Durable Objects).
 *
 * An object for each name would tell who is a user. Cloudflare creates an object near its first
 * request, and the first request is slow: a name that logs in elsewhere would answer at another
 * speed than a name that never does.
 */
const counterOf = (objects: Objects, digestOfName: string) =>
  objects.get(objects.idFromName(digestOfName.slice(0, 1)));

/** SHA-256 in hexadecimal digits: the objects hold neither names nor addresses nor passwords. */
const digest = (...parts: string[]): string =>
  bytesToHex(sha256(utf8ToBytes(JSON.stringify(parts))));

/** @throws ServiceUnavailable if the object fails or does not answer: then nothing is allowed */
async function inTime<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await withTimeout(TIMEOUT_MS, ask);
  } catch (error) {
    throw new ServiceUnavailable('rate-limit', 'The object did not answer', { cause: error });
  }
}
