/**
 * Who carries the messages: Cloudflare, by the `EMAIL` binding. For another service, write a
 * `SendMail` of your own in the place of this one.
 */
import { withTimeout } from '../with-timeout.ts';

export type Message = {
  to: string;
  subject: string;
  text: string;
  html: string;
};

/** Sends a message. It throws where the service does not take it. */
export type SendMail = (message: Message) => Promise<void>;

/** A sender, as the field `From` shows it. */
export type Sender = { name: string; email: string };

/** Work after an answer may take 30 s (developers.cloudflare.com, Context: waitUntil). */
const TIMEOUT_MS = 20_000;

export function sendByCloudflare(binding: SendEmail, from: Sender): SendMail {
  return async function send(message) {
    await withTimeout(TIMEOUT_MS, () => binding.send({ ...message, from }));
  };
}
