/** Exact counts with the `RATE_LIMIT_COUNTER` binding. */
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

/** An object normally responds within milliseconds. */
const TIMEOUT_MS = 5000;

/** Counts wrong passwords. */
export const countPasswords = (objects: Objects): PasswordAttempts => ({
  async begin({ name, stored = '' }) {
    const counter = counterOf(objects, digest(name));
    const key = digest(name, stored);
    const began = await callWithTimeout<BeganAttempt>(() => counter.beginAttempt(key));
    if (!began.ok) return began;
    const at = began.value;
    return ok({
      forgetFailures: () => callWithTimeout(() => counter.forgetFailures(key, at)),
      takeBack: () => callWithTimeout(() => counter.takeBackAttempt(key, at)),
    });
  },
});

/** Counts messages. Addresses that a mail service may treat as the same are counted together. */
export const countMessages = (objects: Objects): CountMessage =>
  async function countMessage(to, kind) {
    const recipient = digest(normalizeEmailForComparison(to));
    const counter = counterOf(objects, recipient);
    const sentAt = await callWithTimeout(() => counter.countMessage(recipient, kind));
    if (sentAt === undefined) return err({ kind: 'throttled' });
    return ok(() => callWithTimeout(() => counter.uncountMessage(recipient, sentAt)));
  };

/**
 * Selects one of 16 objects by the first hexadecimal digit. An object can do some hundred writes a
 * second (developers.cloudflare.com, Rules of Durable Objects).
 *
 * An object for each name would reveal which names are users. Cloudflare creates an object near its
 * first request, and that request is slow. So the response time of a name would depend on whether
 * and where it has logged in.
 */
const counterOf = (objects: Objects, digestOfName: string) =>
  objects.get(objects.idFromName(digestOfName.slice(0, 1)));

/** SHA-256 in hexadecimal digits. The objects store no names, addresses or passwords. */
const digest = (...parts: string[]): string =>
  bytesToHex(sha256(utf8ToBytes(JSON.stringify(parts))));

/**
 * @throws ServiceUnavailable if the object fails or does not respond. The request is refused then
 */
async function callWithTimeout<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await withTimeout(TIMEOUT_MS, call);
  } catch (error) {
    throw new ServiceUnavailable('rate-limit', 'The Durable Object failed or did not respond', {
      cause: error,
    });
  }
}
