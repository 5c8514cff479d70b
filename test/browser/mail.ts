/** The e-mails of the tested servers, as `wrangler dev` shows them: it prints where their parts are. */
import { readFileSync } from 'node:fs';
import { expect, inject } from 'vitest';

const MAIL = /^To: (?<to>.+)\nSubject: (?<subject>.+)\n\nText: (?<text>.+)\nHTML: (?<html>.+)$/gm;

/** How long a message may take, on a busy machine too: it is sent after the answer. */
const LIMIT_MS = 15_000;

/** The messages to an address. Waits until there are this many. */
export async function mailsTo(address: string, count: number) {
  const mails = () =>
    [...readFileSync(inject('log'), 'utf8').matchAll(MAIL)]
      .map(({ groups: { to = '', subject = '', text = '', html = '' } = {} }) => ({
        to,
        subject,
        text,
        html,
      }))
      .filter(({ to }) => to === address);
  await expect.poll(() => mails().length, { timeout: LIMIT_MS }).toBe(count);
  return mails().map(({ text, html, ...mail }) => ({
    ...mail,
    text: readFileSync(text, 'utf8'),
    html: readFileSync(html, 'utf8'),
  }));
}

/** The address of the link in a message. */
export function linkIn(text: string): URL {
  const [link] = /^https?:\S+$/m.exec(text) ?? [];
  if (link === undefined) throw new Error('There is no link in the message.');
  return new URL(link);
}

/** Another test may have used up the requests of this minute (MAIL_ADDRESS_LIMIT). */
export const NEXT_MINUTE = { timeout: 75_000, interval: 5_000 };
