/** Exact counts by way of the `RATE_LIMIT_COUNTER` binding. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { normalizeEmailForComparison } from '../auth/account-mail.ts';
import type { PasswordAttempts } from '../auth/password-attempts.ts';
import { err, ok } from '../lib/result.ts';
import { ServiceUnavailable } from '../lib/service-unavailable.ts';
import { withTimeout } from '../lib/with-timeout.ts';
import type { CountMessage } from '../mail/message-limit.ts';
import type { BeganAttempt, RateLimitCounter } from './rate-limit-counter.ts';

type Objects = DurableObjectNamespace<RateLimitCounter>;

/** An object answers within milliseconds, or does not answer. */
const TIMEOUT_MS = 5000;

/** Counts wrong passwords. */
export const countPasswords = (objects: Objects): PasswordAttempts => ({
  async begin({ name, stored = '' }) {
    const counter = counterOf(objects, digest(name));
    const key = digest(name, stored);
    const began = await inTime<BeganAttempt>(() => counter.beginAttempt(key));
    if (!began.ok) return began;
    const at = began.value;
    return ok({
      forgetFailures: () => inTime(() => counter.forgetFailures(key, at)),
      takeBack: () => inTime(() => counter.takeBackAttempt(key, at)),
    });
  },
});

/** Counts messages. Addresses that a mail service may take for the same are counted together. */
export const countMessages = (objects: Objects): CountMessage =>
  async function countMessage(to, kind) {
    const recipient = digest(normalizeEmailForComparison(to));
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
