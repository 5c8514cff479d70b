/**
 * Who carries the messages: Cloudflare, by the `EMAIL` binding. For another service, write a
 * `SendMail` of your own in the place of this one.
 */
import { isEmail } from '../validation/email.ts';
import { withTimeout } from '../with-timeout.ts';

export type Message = {
  /** `us@example.com` or `Us <us@example.com>` (`DEFAULT_FROM_EMAIL`). */
  from: string;
  to: string;
  subject: string;
  text: string;
  html: string;
};

/** Sends a message. It throws where the service does not take it. */
export type SendMail = (message: Message) => Promise<void>;

/** Work after an answer may take 30 s (developers.cloudflare.com, Context: waitUntil). */
const TIMEOUT_MS = 20_000;

export function sendByCloudflare(binding: SendEmail): SendMail {
  return async function send({ from, ...message }) {
    const sender = parseSender(from);
    await withTimeout(TIMEOUT_MS, () => binding.send({ ...message, from: sender ?? from }));
  };
}

const SENDER = /^(?<name>[^<>\p{C}]*[^<>\p{C}\s])\s*<(?<email>[^<>]+)>$/u;

/** The two parts of `Us <us@example.com>`; undefined where there is an address alone. */
function parseSender(from: string): { name: string; email: string } | undefined {
  const { name, email } = SENDER.exec(from)?.groups ?? {};
  return name && email ? { name, email } : undefined;
}

/** Can e-mails be from this? */
export const isSender = (from: string): boolean => isEmail(parseSender(from)?.email ?? from);
