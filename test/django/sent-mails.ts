import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';

/** The messages that a Worker has sent, from the Local Explorer of `wrangler dev`. */
const SENT = '/cdn-cgi/explorer/api/local/email/sending';

const Listed = v.object({
  result: v.array(v.object({ messageId: v.string(), to: v.array(v.string()) })),
});
const Detail = v.object({ result: v.object({ text: v.string() }) });

export type Mail = { to: string; text: string };

/** Waits for this many messages, and returns all that were sent since the last call. */
export type TakeMails = (count: number) => Promise<Mail[]>;

const ATTEMPTS = 100;
const PAUSE_MS = 50;

/** The messages of a Worker, which it sends after its answers. */
export function sentMails(origin: string): TakeMails {
  const taken = new Set<string>();

  return async function take(count) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { result } = v.parse(Listed, await json(`${origin}${SENT}?per_page=100`));
      const sent = result.filter(({ messageId }) => !taken.has(messageId));
      if (sent.length >= count) {
        for (const { messageId } of sent) taken.add(messageId);
        return Promise.all(sent.map(read));
      }
      await setTimeout(PAUSE_MS);
    }
    throw new Error(`the Worker has not sent ${count} messages`);
  };

  async function read({ messageId, to }: { messageId: string; to: string[] }): Promise<Mail> {
    const url = `${origin}${SENT}?email_id=${encodeURIComponent(messageId)}`;
    const { result } = v.parse(Detail, await json(url));
    return { to: to.join(), text: result.text };
  }
}

const json = async (url: string): Promise<unknown> => (await fetch(url)).json();
