/**
 * Sends messages with Cloudflare's `EMAIL` binding. For another mail service, write your own
 * `SendMail`.
 */
import type { Message } from '../auth/account-mail.ts';
import { withTimeout } from '../lib/with-timeout.ts';
import { isEmail, parseSender } from '../validation/email.ts';

export type { Message };

/**
 * Sends a message.
 *
 * @throws Error if the service does not accept it. The log has the error's `name` and `code`, never
 *   its message, which may contain the address
 */
export type SendMail = (message: Message) => Promise<void>;

/** Work after a response is limited to 30 s (developers.cloudflare.com, Context: waitUntil). */
const TIMEOUT_MS = 20_000;

/** The stored address is not an email address. Imported users may have any string. */
class InvalidRecipient extends Error {
  override name = 'InvalidRecipient';
}

/** Refuses addresses that a mail service could read as several recipients or as headers. */
export const onlyToAddresses =
  (send: SendMail): SendMail =>
  async (message) => {
    if (!isEmail(message.to)) throw new InvalidRecipient();
    await send(message);
  };

export function sendByCloudflare(binding: SendEmail): SendMail {
  return async function send({ from, ...message }) {
    const { name, email } = parseSender(from) ?? { email: from };
    const sender = name === undefined ? email : { name, email };
    await withTimeout(TIMEOUT_MS, () => binding.send({ ...message, from: sender }));
  };
}
