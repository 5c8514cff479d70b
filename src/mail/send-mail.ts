/**
 * Sends the messages by Cloudflare's `EMAIL` binding. For another service, write a `SendMail` of
 * your own.
 */
import type { Message } from '../auth/account-mail.ts';
import { withTimeout } from '../lib/with-timeout.ts';
import { isEmail } from '../validation/email.ts';

export type { Message };

/**
 * Sends a message.
 *
 * @throws Error if the service does not take it. The log shows its `name` and its `code`, never its
 *   message, which may quote the address
 */
export type SendMail = (message: Message) => Promise<void>;

/** Work after a response may take 30 s (developers.cloudflare.com, Context: waitUntil). */
const TIMEOUT_MS = 20_000;

/** The stored address is not an email address. An import may bring any text. */
class InvalidRecipient extends Error {
  override name = 'InvalidRecipient';
}

/** Refuses what a mail service could read as several recipients or as headers. */
export const onlyToAddresses =
  (send: SendMail): SendMail =>
  async (message) => {
    if (!isEmail(message.to)) throw new InvalidRecipient();
    await send(message);
  };

export function sendByCloudflare(binding: SendEmail): SendMail {
  return async function send({ from, ...message }) {
    const sender = parseSender(from);
    await withTimeout(TIMEOUT_MS, () => binding.send({ ...message, from: sender ?? from }));
  };
}

const SENDER = /^(?<name>[^<>\p{C}]*[^<>\p{C}\s])\s*<(?<email>[^<>]+)>$/u;

/** The two parts of `Us <us@example.com>`. Undefined for an address without a name. */
function parseSender(from: string): { name: string; email: string } | undefined {
  const { name, email } = SENDER.exec(from)?.groups ?? {};
  return name && email ? { name, email } : undefined;
}

/** Whether messages can be from this. */
export const isSender = (from: string): boolean => isEmail(parseSender(from)?.email ?? from);
